import { writeFileSync } from 'node:fs';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { conversationMachine } from '../machines/conversation.ts';
import { processMachine } from '../machines/process.ts';
import { subscriptionMachine } from '../machines/subscription.ts';
import { turnMachine } from '../machines/turn.ts';

/** Writes `docs/machines.md`: each machine as a diagram, made from the machine itself. */

const PAGE = new URL('../docs/machines.md', import.meta.url);

const MACHINES: ReadonlyArray<readonly [AnyStateMachine, string]> = [
  [conversationMachine, 'The life of one conversation’s actor (`machines/conversation.ts`).'],
  [subscriptionMachine, 'A connection in a conversation (`machines/subscription.ts`).'],
  [turnMachine, 'One turn of an agent (`machines/turn.ts`).'],
  [processMachine, 'The server process (`machines/process.ts`).'],
];

export function machinesPage(): string {
  const sections = MACHINES.map(
    ([machine, about]) =>
      `## ${machine.id}\n\n${about}\n\n\`\`\`mermaid\nstateDiagram-v2\n${diagram(machine)}\n\`\`\`\n`,
  );
  return `# The machines\n\nMade from the machines by \`node scripts/diagrams.ts\`; a test holds this page to them.\n\n${sections.join('\n')}`;
}

function diagram(machine: AnyStateMachine): string {
  return inside(machine.root, '  ').join('\n');
}

function inside(node: AnyStateNode, indent: string): string[] {
  const first = node.initial.target[0];
  const start = first === undefined ? [] : [`${indent}[*] --> ${first.key}`];
  return [...start, ...Object.values(node.states).flatMap((child) => state(child, indent))];
}

function state(node: AnyStateNode, indent: string): string[] {
  const nested =
    node.type === 'compound'
      ? [`${indent}state ${node.key} {`, ...inside(node, `${indent}  `), `${indent}}`]
      : [];
  const end = node.type === 'final' ? [`${indent}${node.key} --> [*]`] : [];
  return [...nested, ...arrows(node, indent), ...end];
}

/** One arrow for each pair of states, with all the events that lead along it. */
function arrows(node: AnyStateNode, indent: string): string[] {
  const events = new Map<string, string[]>();
  for (const [event, transitions] of node.transitions) {
    for (const { target } of transitions) {
      const to = target?.[0]?.key;
      if (to !== undefined) events.set(to, [...(events.get(to) ?? []), event]);
    }
  }
  return [...events].map(([to, names]) => `${indent}${node.key} --> ${to}: ${names.join(', ')}`);
}

if (process.argv[1] === import.meta.filename) writeFileSync(PAGE, machinesPage());
