// @ts-check
// Counts down how long a pairing code is valid.

import { clock } from "./clock.js";

const SECOND_MS = 1000;

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
