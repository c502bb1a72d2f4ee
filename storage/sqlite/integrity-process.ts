import { damageOf } from './integrity.ts';

/** The process that reads a large file beside the one that serves it: prints what is wrong, nothing when nothing is. */
const [, , path = ''] = process.argv;
process.stdout.write(damageOf(path) ?? '');
