import { describe, expect, it } from 'vitest';
import { eventually } from '../support/deadline.ts';
import { useWire } from '../support/wire.ts';

const wire = useWire({ 'mailbox-capacity': 4, 'idle-ms': 100 });

/** The values of every sample, of the metrics whose name matches, with the label where one is given. */
async function samples(name: RegExp, label = ''): Promise<number[]> {
  const { text } = await wire.rest().get('/metrics');
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#') && name.test(line.split(/[{ ]/)[0] ?? ''))
    .filter((line) => line.includes(label))
    .map((line) => Number(line.slice(line.lastIndexOf(' '))));
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe('health', () => {
  it.each(['/health', '/health/live', '/health/ready'])('%s answers 200 as JSON', async (path) => {
    const { status, headers, body } = await wire.rest().get(path);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain('json');
    expect(body).toBeTypeOf('object');
  });
});

describe('/metrics', () => {
  it('is Prometheus text with a help and a type for each metric', async () => {
    const { status, headers, text } = await wire.rest().get('/metrics');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^text\/plain|openmetrics/);
    const names = [...text.matchAll(/^# TYPE (\S+) (counter|gauge|histogram|summary)$/gm)];
    expect(names.length).toBeGreaterThan(8);
    for (const [, name] of names) expect(text).toContain(`# HELP ${name} `);
  });

  it.each([
    ['connections', /colloquy_.*connections/],
    ['live actors', /colloquy_.*(actors|conversations).*/],
    ['mailbox depth', /colloquy_.*mailbox/],
    ['batch size', /colloquy_.*batch/],
    ['append seconds', /colloquy_.*append.*seconds/],
    ['deliveries', /colloquy_.*deliver/],
    ['congested subscriptions', /colloquy_.*congested/],
    ['refusals by reason', /colloquy_.*refus/],
    ['event-loop lag', /event_?loop.*lag|lag.*event_?loop/],
  ])('has %s', async (_, name) => {
    const { id, people } = await wire.room('Ada');
    await people[0]?.ws.send(id, 'hello');
    const { text } = await wire.rest().get('/metrics');
    expect(text).toMatch(name);
  });

  it('counts the connections that are open', async () => {
    await eventually(
      'no connections',
      async () => sum(await samples(/^colloquy_connections/)) === 0,
    );
    const clients = await Promise.all(Array.from({ length: 7 }, () => wire.connect()));
    expect(sum(await samples(/^colloquy_connections/))).toBe(7);
    await Promise.all(clients.map((client) => client.close()));
    await eventually(
      'no connections',
      async () => sum(await samples(/^colloquy_connections/)) === 0,
    );
  });

  it('counts deliveries and appends as they happen', async () => {
    const { id, people } = await wire.room('Ada', 'Bob', 'Cy');
    const before = [sum(await samples(/deliver/)), sum(await samples(/append.*_count$/))];
    const { seq } = (await people[0]?.ws.send(id, 'hello')) ?? { seq: 0 };
    await Promise.all(people.map(({ ws }) => ws.waitForSeq(id, seq)));
    await eventually('both are counted', async () => {
      const after = [sum(await samples(/deliver/)), sum(await samples(/append.*_count$/))];
      return after.every((value, index) => value > (before[index] ?? 0));
    });
  });

  it('counts refusals by their reason', async () => {
    const { id, people } = await wire.room('Ada');
    const ada = people[0];
    if (!ada) return expect.unreachable();
    const count = async (reason: string) =>
      sum(await samples(/^colloquy_\S*refus/, `reason="${reason}"`));
    const before = [await count('mailbox_full'), await count('unknown_type')] as const;
    const sends = Array.from({ length: 500 }, (_, index) => ada.ws.trySend(id, `m ${index}`));
    const refused = (await Promise.all(sends)).filter((answer) => answer.type === 'error');
    expect(refused.length).toBeGreaterThan(0);
    await ada.ws.ask({ type: 'invented' });
    expect(await count('mailbox_full')).toBe(before[0] + refused.length);
    expect(await count('unknown_type')).toBe(before[1] + 1);
  });

  it('lets no client make labels: invented types and ids do not show', async () => {
    const client = await wire.connect({ name: 'Mallory-was-here' });
    await client.ask({ type: 'invented-type-17' });
    await client.ask({ type: 'join', conversation_id: 'conversation-label-17' });
    await wire.rest().get('/v1/invented-path-17');
    const { text } = await wire.rest().get('/metrics');
    expect(text).not.toMatch(/invented-type-17|conversation-label-17|invented-path-17|Mallory/);
  });

  it('shows that conversations nobody attends fall asleep', async () => {
    for (let index = 0; index < 10; index += 1) {
      const { id, people } = await wire.room('Ada');
      await people[0]?.ws.send(id, 'hello');
      await people[0]?.ws.close();
    }
    await eventually('no live actors', async () => {
      const live = await samples(
        /^colloquy_.*(live|active).*(actors|conversations)|^colloquy_(actors|conversations)_(live|active)/,
      );
      return live.length > 0 && sum(live) === 0;
    });
  });
});
