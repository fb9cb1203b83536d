// @ts-check
// How a span of time is written.

/** Returns minutes and seconds, such as "9:05". @param {number} seconds @returns {string} */
export function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
