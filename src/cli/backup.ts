import { splitArguments } from './arguments.ts';
import { Progress } from './progress.ts';
import { loadSettings } from './settings.ts';
import { UsageError } from './usage-error.ts';
import { wholeFile } from './whole-file.ts';

/** Copies the store into a file, whether or not a server runs on it. */
export async function backup(args: readonly string[]): Promise<void> {
  const { operands, settings } = splitArguments(args, { operands: ['FILE'] });
  const [file] = operands;
  if (file === undefined || file === '-') {
    throw new UsageError('name the file to write: colloquy backup FILE');
  }
  const { config } = loadSettings(settings);
  const { backupStore } = await import('../../storage/backup.ts');
  const progress = new Progress();
  try {
    const bytes = await wholeFile(file, (target) =>
      backupStore(config.store, {
        target,
        onProgress: ({ doneBytes, totalBytes }) =>
          progress.at(() => `${doneBytes} of ${totalBytes} bytes`),
      }),
    );
    process.stdout.write(`${file}: ${bytes} bytes in ${progress.end()} s, checked\n`);
  } finally {
    progress.end();
  }
}
