import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import Sqlite from 'better-sqlite3';

/** A block of the disk gone bad: the page of the data file that leads to all others of this table. */
export function damageRoot(path: string, table: string): void {
  const db = new Sqlite(path, { readonly: true });
  const root = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(table);
  db.close();
  damagePage(path, Number(root));
}

/** The same with the page that this text stands on; it must stand there once. */
export function damageAround(path: string, text: string): void {
  const at = readFileSync(path).indexOf(text);
  if (at === -1) throw new Error(`${text} is not in ${path}`);
  damagePage(path, Math.floor(at / pageBytesOf(path)) + 1);
}

function damagePage(path: string, page: number): void {
  const size = pageBytesOf(path);
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(size, 0xee), 0, size, (page - 1) * size);
  closeSync(file);
}

function pageBytesOf(path: string): number {
  return readFileSync(path).readUInt16BE(16);
}
