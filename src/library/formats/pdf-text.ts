import { getDocumentProxy } from 'unpdf';
import { ok, type Result } from '../../domain/result.ts';
import { type TextOf, tooMuchText, type Unreadable, unreadable } from './text-format.ts';

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;

/** Names that PDF.js gives its errors. */
const ENCRYPTED = 'PasswordException';

/**
 * The text layer of a PDF, page after page, with an empty line between them. Pictures of text have none. It runs
 * no script of the document and fetches nothing.
 */
export const pdfText: TextOf = async (bytes, maxChars) => {
  let pdf: Pdf;
  try {
    // PDF.js wants plain bytes that it may keep, and says everything on the console unless told not to.
    pdf = await getDocumentProxy(Uint8Array.from(bytes), { verbosity: 0 });
  } catch (error) {
    return error instanceof Error && error.name === ENCRYPTED
      ? unreadable('The PDF is encrypted; upload it without its password.')
      : unreadable('The PDF is broken, or no PDF at all.');
  }
  try {
    return await pages(pdf, maxChars);
  } catch {
    return unreadable('The PDF is broken.');
  } finally {
    await pdf.loadingTask.destroy();
  }
};

/** One after another: all at once would be in memory together. */
async function pages(pdf: Pdf, maxChars: number): Promise<Result<string, Unreadable>> {
  const texts: string[] = [];
  let chars = 0;
  for (let number = 1; number <= pdf.numPages; number += 1) {
    const page = await pdf.getPage(number);
    const { items } = await page.getTextContent();
    const text = items.map((item) => ('str' in item ? lineOf(item) : '')).join('');
    page.cleanup();
    chars += text.length + 2;
    if (chars > maxChars) return tooMuchText(maxChars);
    texts.push(text.trim());
  }
  return ok(texts.filter((text) => text !== '').join('\n\n'));
}

function lineOf({ str, hasEOL }: { readonly str: string; readonly hasEOL: boolean }): string {
  return hasEOL ? `${str}\n` : str;
}
