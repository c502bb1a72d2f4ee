import { createReadStream, existsSync } from 'node:fs';
import { type ImportFailure, importStore } from '../transfer/import.ts';
import { splitArguments } from './arguments.ts';
import { Progress } from './progress.ts';
import { loadSettings } from './settings.ts';
import { countsText, lastingStore } from './transfer.ts';
import { UsageError } from './usage-error.ts';

/** Reads an export, from a file or from stdin, into the store, which must be empty. */
export async function importData(args: readonly string[]): Promise<void> {
  const { operands, settings } = splitArguments(args, { operands: ['FILE'] });
  const { config } = loadSettings(settings);
  const [file = '-'] = operands;
  if (file !== '-' && !existsSync(file)) throw new UsageError(`there is no file ${file}`);
  const progress = new Progress();
  try {
    const bytes = file === '-' ? process.stdin : createReadStream(file);
    const imported = await lastingStore(config, {
      job: (store) =>
        importStore(store, bytes, {
          onProgress: (counts) => progress.at(() => countsText(counts)),
        }),
      whenInUse: 'Stop the server that runs on it',
    });
    if (!imported.ok) throw new UsageError(sentenceOf(imported.failure, file));
    process.stdout.write(`${countsText(imported.value)} in ${progress.end()} s\n`);
  } finally {
    progress.end();
  }
}

function sentenceOf(failure: ImportFailure, file: string): string {
  switch (failure.reason) {
    case 'not_empty':
      return 'the store is not empty: import into a new one, or delete this one before';
    case 'storage_unavailable':
      return `the store does not answer: ${String(failure.cause)}`;
    case 'bad_line': {
      const where = file === '-' ? `line ${failure.line}` : `${file}, line ${failure.line},`;
      const rest =
        failure.line === 1
          ? ''
          : '. A part of the file is in the store now: delete it and begin again';
      return `${where} ${failure.message}${rest}`;
    }
    default:
      return failure satisfies never;
  }
}
