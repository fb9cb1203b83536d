// @ts-check
// The arithmetic of the scan zone: a rectangle in shares of the picture, never too small and never outside.

/** @typedef {import("../connection/protocol.js").Box} Box */
/** @typedef {{x: number, y: number}} Point */

export const SMALLEST = 0.1;
/** @type {Box} */
export const WHOLE = [0, 0, 1, 1];

/** @param {number} value @param {number} low @param {number} high */
function within(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

/** @param {number} value */
function rounded(value) {
  return Math.round(value * 1000) / 1000;
}

/** Returns the nearest allowed zone. @param {readonly number[]} zone @returns {Box} */
export function fitted([x, y, w, h]) {
  const width = within(w, SMALLEST, 1);
  const height = within(h, SMALLEST, 1);
  return [rounded(within(x, 0, 1 - width)), rounded(within(y, 0, 1 - height)), rounded(width), rounded(height)];
}

/** Returns the zone between two corners. @param {Point} from @param {Point} to @returns {Box} */
export function spanned(from, to) {
  const [left, right] = [from.x, to.x].map((value) => within(value, 0, 1)).sort((a, b) => a - b);
  const [top, bottom] = [from.y, to.y].map((value) => within(value, 0, 1)).sort((a, b) => a - b);
  return fitted([left, top, right - left, bottom - top]);
}

/** Returns the zone as a mirror shows it, and a mirrored one as it is. @param {Box} zone @returns {Box} */
export function mirrored([x, y, w, h]) {
  return [rounded(1 - x - w), y, w, h];
}

/** @param {readonly number[]} zone */
export function isWhole([x, y, w, h]) {
  return x <= 0.001 && y <= 0.001 && w >= 0.999 && h >= 0.999;
}
