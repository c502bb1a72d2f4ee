import { describe, expect, it } from 'vitest';
import { Distribution } from '../../src/observability/distribution.ts';

describe('a distribution', () => {
  it('counts each value in its bucket and all above it, with their sum', () => {
    const sizes = new Distribution({ name: 'sizes', help: 'Sizes.', buckets: [1, 2, 4] });
    for (const size of [1, 1, 2, 3, 9]) sizes.observe(size);
    expect(sizes.text().split('\n')).toEqual([
      '# HELP sizes Sizes.',
      '# TYPE sizes histogram',
      'sizes_bucket{le="1"} 2',
      'sizes_bucket{le="2"} 3',
      'sizes_bucket{le="4"} 4',
      'sizes_bucket{le="+Inf"} 5',
      'sizes_sum 16',
      'sizes_count 5',
      '',
    ]);
  });
});
