import { describe, expect, it } from 'vitest';
import { dashes, operationStyle, paletteName } from '../src/palette';
import { cellWeights, controllerColumns, softmax } from '../src/probabilities';
import { clean, formatNumber, formatValue, shorten } from '../src/text';
import { SPACE } from './samples';

describe('colours', () => {
  it.each([
    ['nor_conv_3x3', 'nor_conv_3x3'],
    ['conv3x3-bn-relu', 'nor_conv_3x3'],
    ['maxpool3x3', 'max_pool_3x3'],
    ['conv 3 ×16 relu', 'conv'],
    ['identity', 'skip_connect'],
    ['sep_conv_7x7', 'sep_conv_7x7'],
    ['conv_1x7', 'conv_7x1_1x7'],
    ['2× MBConv6 5x5, 40 SE', 'mbconv'],
    ['tanh', 'tanh'],
    ['constructor', 'other'],
    ['', 'other'],
  ])('of %s are those of %s', (operation, name) => {
    expect(paletteName(operation)).toBe(name);
  });

  it('come with dashes that grow with the line', () => {
    expect(dashes(operationStyle('skip_connect'), 2)).toBe('6 3.2');
    expect(dashes(operationStyle('nor_conv_3x3'), 2)).toBe('');
  });
});

describe('text', () => {
  it('loses what could disguise it', () => {
    expect(clean('a\u202eb\u0000c')).toBe('abc');
    expect(clean('</script><img src=x>')).toBe('</script><img src=x>'); // shown as it is, as text
  });

  it('shows numbers shortly', () => {
    expect([0.9134, 12, 1234.567, 1e-9, NaN, 3e8].map(formatNumber)).toEqual(['0.913', '12', '1235', '1.00e-9', 'NaN', '3.00e+8']);
    expect(formatValue([0.5, 1])).toBe('0.500, 1');
    expect(formatValue({ a: 1 })).toBe('{"a":1}');
    expect(shorten('abcdef', 4)).toBe('abc…');
  });
});

describe('probabilities', () => {
  it('of a controller have a column per decision', () => {
    const [first, second] = controllerColumns(SPACE, [[0.2, 0.8, 0], null], [1, null]);
    expect(first).toMatchObject({ title: 'edge 0→1' });
    expect(first!.options!.map(({ label, isChosen }) => [label, isChosen])).toEqual([
      ['none', false],
      ['skip_connect', true],
      ['nor_conv_3x3', false],
    ]);
    expect(second!.options).toBeNull();
  });

  it('survive what should not be there', () => {
    expect(controllerColumns(SPACE, 'x', null)).toEqual([]);
    expect(controllerColumns(SPACE, [[0.5, 'x', 7]], [0])[0]!.options!.map(({ probability }) => probability)).toEqual([0.5, 0, 1]);
    expect(cellWeights(null)).toEqual([]);
  });

  it('of alphas add up to one, however large the alphas', () => {
    expect(softmax([0, 0])).toEqual([0.5, 0.5]);
    expect(softmax([1000, 0])).toEqual([1, 0]);
    expect(cellWeights({ normal: [[0, Math.log(3)]] })[0]!.rows[0]![1]).toBeCloseTo(0.75);
  });
});
