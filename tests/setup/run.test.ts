import { afterEach, beforeEach, expect, test } from 'vitest';
import { Checkout } from './checkout.ts';

/** Stands in for the server: says that it listens, and ends well when asked to. */
const SERVER = `
const words: readonly string[] = process.argv.slice(2);
process.on('SIGTERM', () => { console.log('drained'); process.exit(0); });
process.on('SIGINT', () => { console.log('interrupted'); process.exit(0); });
console.log('listening', process.versions.node, ...words);
setInterval(() => {}, 1000);
`;

let checkout: Checkout;
beforeEach(() => {
  checkout = new Checkout();
  checkout.write('src/cli/main.ts', SERVER);
});
afterEach(() => checkout.remove());

test.for([
  ['SIGTERM', 'drained'],
  ['SIGINT', 'interrupted'],
] as const)(
  '%s to `npm start` reaches the server, which ends in its own way',
  async ([signal, word]) => {
    const npm = process.env['npm_execpath'];
    const start = ['start', '--silent', '--', '--port', '9000'];
    const server = npm
      ? checkout.start(process.execPath, [npm, ...start])
      : checkout.start('sh', ['scripts/run', 'serve', '--port', '9000']);
    await server.wrote('listening 22.');
    server.child.kill(signal);
    const { stdout } = await server.ended;
    expect(stdout).toContain('serve --port 9000');
    expect(stdout).toContain(word);
  },
);

test('SIGTERM while the checkout is being set up ends the set-up', async () => {
  const server = checkout.start('sh', ['scripts/run', 'serve'], checkout.gated);
  const gate = await checkout.atGate();
  server.child.kill('SIGTERM');
  const { code, stdout } = await server.ended;
  await gate.close();
  expect({ code, stdout }).toEqual({ code: 143, stdout: '' });
});

test('a failed set-up starts nothing', async () => {
  const { code, stdout } = await checkout.start('sh', ['scripts/run', 'serve'], { NPM_FAILS: '1' })
    .ended;
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
});

test('an unknown command is answered with the known ones', async () => {
  const { code, stderr } = await checkout.start('sh', ['scripts/run', 'sevre']).ended;
  expect(code).toBe(1);
  expect(stderr).toContain("'sevre' is none of: serve test check");
});
