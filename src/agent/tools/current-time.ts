import { z } from 'zod';
import { type Tool, ToolError, toolOf } from './tool.ts';

const ARGS = z.object({
  timezone: z
    .string()
    .min(1)
    .max(64)
    .default('UTC')
    .describe('IANA name of the time zone, such as Europe/Vienna. UTC when it is not known.'),
});

/** The date and the time in a time zone. */
export function currentTime(now: () => number): Tool {
  return toolOf({
    name: 'current_time',
    description: 'The date, the day of the week and the time now, in a time zone.',
    args: ARGS,
    reaches: 'nothing',
    timeoutMs: 1_000,
    run: async ({ timezone }) => timeIn(timezone, new Date(now())),
  });
}

function timeIn(timeZone: string, date: Date) {
  const format = formatOf(timeZone);
  if (format === undefined)
    throw new ToolError(`"${timeZone}" is not the IANA name of a time zone.`);
  const part = Object.fromEntries(
    format.formatToParts(date).map(({ type, value }) => [type, value]),
  );
  return {
    timezone: format.resolvedOptions().timeZone,
    date: `${part['year']}-${part['month']}-${part['day']}`,
    time: `${part['hour']}:${part['minute']}:${part['second']}`,
    weekday: part['weekday'],
    utc_offset: part['timeZoneName']?.replace(/^GMT$/u, 'GMT+00:00').slice(3),
    utc: date.toISOString(),
  };
}

/** Undefined when there is no such zone. */
function formatOf(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en', {
      timeZone,
      weekday: 'long',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
      timeZoneName: 'longOffset',
    });
  } catch {
    return undefined;
  }
}
