import { deflateSync } from 'node:zlib';
import { PDFDocument, StandardFonts } from 'pdf-lib';

/** A PDF with these pages, a line each for every line of text. */
export async function pdfOf(...pages: readonly string[]): Promise<Buffer> {
  const pdf = await PDFDocument.create();
  const font = await pdf.embedFont(StandardFonts.Helvetica);
  for (const text of pages) pdf.addPage().drawText(text, { font, size: 12, x: 50, y: 700 });
  return Buffer.from(await pdf.save());
}

/** A PDF by hand: one page, whose content is this stream with this entry in its dictionary; `trailer` is added. */
export function rawPdf(content: Buffer, { entry = '', trailer = '' } = {}): Buffer {
  const parts: Buffer[] = [Buffer.from('%PDF-1.4\n')];
  const offsets: number[] = [];
  const size = () => parts.reduce((sum, { length }) => sum + length, 0);
  const page = '<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<<>>>>';
  const objects = [
    Buffer.from('<</Type/Catalog/Pages 2 0 R>>'),
    Buffer.from('<</Type/Pages/Kids[3 0 R]/Count 1>>'),
    Buffer.from(page),
    Buffer.concat([
      Buffer.from(`<<${entry}/Length ${content.length}>>\nstream\n`),
      content,
      Buffer.from('\nendstream'),
    ]),
  ];
  for (const [at, object] of objects.entries()) {
    offsets.push(size());
    parts.push(Buffer.from(`${at + 1} 0 obj\n`), object, Buffer.from('\nendobj\n'));
  }
  const start = size();
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`);
  parts.push(
    Buffer.from(
      `xref\n0 5\n0000000000 65535 f \n${rows.join('')}trailer<</Size 5/Root 1 0 R${trailer}>>\nstartxref\n${start}\n%%EOF`,
    ),
  );
  return Buffer.concat(parts);
}

/** A small file that unpacks to so many bytes: twice packed, a gibibyte fits into a few thousand. */
export function bombPdf(bytes: number): Buffer {
  const packed = deflateSync(deflateSync(Buffer.alloc(bytes, ' ')));
  return rawPdf(packed, { entry: '/Filter[/FlateDecode/FlateDecode]' });
}

/** A PDF that asks for a password. */
export function encryptedPdf(): Buffer {
  const bytes = (value: number, length: number) =>
    `<${value.toString(16).padStart(2, '0').repeat(length)}>`;
  const encrypt = `<</Filter/Standard/V 1/R 2/O ${bytes(17, 32)}/U ${bytes(34, 32)}/P -44>>`;
  const id = `[${bytes(1, 16)}${bytes(1, 16)}]`;
  return rawPdf(Buffer.from('BT ET'), { trailer: `/Encrypt ${encrypt}/ID ${id}` });
}
