import { TOKEN_KEY } from '../client/credentials.ts';
import { memoryStorage } from '../client/environment.ts';
import type { KeyValueStorage } from '../client/index.ts';

const NAME_KEY = 'colloquy.name';
/** Characters; the server's limit. */
export const MAX_NAME_CHARS = 64;

/** Where the name and the guest's token are kept: this browser, or this page where storage is switched off. */
export const storage: KeyValueStorage = usableStorage();

export function savedName(): string | undefined {
  return storage.getItem(NAME_KEY) ?? undefined;
}

/** A new name is a new guest: the token belongs to the name it was made with. */
export function saveName(name: string): void {
  if (name !== savedName()) storage.removeItem(TOKEN_KEY);
  storage.setItem(NAME_KEY, name);
}

export function cleanName(text: string): string {
  return text.replace(/\p{C}/gu, '').trim().slice(0, MAX_NAME_CHARS);
}

function usableStorage(): KeyValueStorage {
  try {
    localStorage.getItem(NAME_KEY);
    return localStorage;
  } catch {
    return memoryStorage();
  }
}
