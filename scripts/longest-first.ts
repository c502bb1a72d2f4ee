import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Folders of short files that take long: each line runs a whole suite on a backend, or kills servers by the dozen. */
const LONG = ['/tests/contract/', '/tests/crash/'];

/**
 * The order of a run: vitest takes the largest files first where it knows no durations, as in a fresh checkout, and
 * so came last to the longest of all, with one worker idle for minutes.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) =>
      LONG.some((part) => moduleId.includes(part));
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
