// @ts-check
// Counts down how long a pairing code is valid.

const SECOND_MS = 1000;

/** Returns minutes and seconds, such as "9:05". @param {number} seconds @returns {string} */
export function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

for (const found of document.querySelectorAll("[data-until]")) {
  const element = /** @type {HTMLElement} */ (found);
  const { until = "", left = "", over = "" } = element.dataset;
  const endsAt = Date.parse(until);
  const show = () => {
    const seconds = Math.ceil((endsAt - Date.now()) / SECOND_MS);
    element.textContent = seconds > 0 ? left.replace("{left}", clock(seconds)) : over;
    if (seconds <= 0) clearInterval(timer);
  };
  const timer = setInterval(show, SECOND_MS);
  show();
}
