import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { schemaStateOf } from '../../storage/schema-state.ts';
import { type Config, printable } from '../config.ts';
import { ONE_MOMENT } from '../open-store.ts';
import { type ExportFailure, exportStore } from '../transfer/export.ts';
import type { Counts } from '../transfer/format.ts';
import { splitArguments } from './arguments.ts';
import { Progress } from './progress.ts';
import { loadSettings } from './settings.ts';
import { countsText, lastingStore } from './transfer.ts';
import { UsageError } from './usage-error.ts';
import { wholeFile } from './whole-file.ts';

const WHEN_IN_USE =
  'Export a copy: `colloquy backup copy.db`, then `colloquy export --store sqlite:copy.db`';

/** Writes all that is in the store as NDJSON, to a file or to stdout. */
export async function exportData(args: readonly string[]): Promise<void> {
  const { operands, settings } = splitArguments(args, { operands: ['FILE'] });
  const { config } = loadSettings(settings);
  const [file = '-'] = operands;
  // To open it would make it, and the export of a mistyped name would be one of nothing.
  const schema = await schemaStateOf(config.store);
  if (schema?.found === 0) throw new UsageError(`there is nothing at ${printable(config).store}`);
  const progress = new Progress();
  try {
    if (file === '-') {
      const counts = await exportTo(process.stdout, config, progress);
      process.stderr.write(`${countsText(counts)} in ${progress.end()} s\n`);
      return;
    }
    const counts = await wholeFile(file, async (temporary) => {
      // Not `w`, which would make the file anew after a signal had it taken away.
      const stream = createWriteStream(temporary, { flags: 'r+' });
      const written = await exportTo(stream, config, progress);
      stream.end();
      await finished(stream);
      return written;
    });
    process.stdout.write(`${file}: ${countsText(counts)} in ${progress.end()} s\n`);
  } finally {
    progress.end();
  }
}

async function exportTo(stream: Writable, config: Config, progress: Progress): Promise<Counts> {
  // Each write learns of it by itself; without a listener it would end the process.
  stream.on('error', () => {});
  const onProgress = (counts: Counts) => progress.at(() => countsText(counts));
  const exported = await lastingStore(config, {
    job: (store) => exportStore(store, { write: (text) => written(stream, text), onProgress }),
    whenInUse: WHEN_IN_USE,
    use: ONE_MOMENT,
  });
  if (!exported.ok) throw new UsageError(sentenceOf(exported.failure));
  return exported.value;
}

/** Settled when the system has taken it: a slow reader holds up the reading of the store. */
function written(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => {
      if (error) reject(new UsageError(`the export cannot be written: ${error.message}`));
      else resolve();
    });
  });
}

function sentenceOf(failure: ExportFailure): string {
  switch (failure.reason) {
    case 'changed_meanwhile':
      return `conversation ${failure.id} was trimmed or removed while it was read: export again`;
    case 'storage_unavailable':
      return `the store does not answer: ${String(failure.cause)}`;
    default:
      return failure satisfies never;
  }
}
