// @ts-check
// Lists that follow what the server says, and keep their elements, so that focus and touch are not lost.

import { options } from "../options.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * Brings a list up to date: one row for each thing, in its order.
 * @template {{id: string}} T
 * @param {HTMLElement} list
 * @param {T[]} things
 * @param {(thing: T) => HTMLElement} make
 * @param {(row: HTMLElement, thing: T) => void} show
 */
export function rowsShow(list, things, make, show) {
  const known = new Map([...list.children].map((row) => [/** @type {HTMLElement} */ (row).dataset.id, row]));
  /** @type {Element | null} */
  let before = null;
  for (const thing of things) {
    const row = /** @type {HTMLElement} */ (known.get(thing.id) ?? make(thing));
    row.dataset.id = thing.id;
    known.delete(thing.id);
    const place = /** @type {Element | null} */ (before ? before.nextElementSibling : list.firstElementChild);
    if (row !== place) list.insertBefore(row, place);
    show(row, thing);
    before = row;
  }
  for (const row of known.values()) row.remove();
}

/** Shows an icon, and draws it anew only where it is another. @param {HTMLElement} place @param {string} name */
export function iconShow(place, name) {
  if (place.dataset.icon === name) return;
  place.dataset.icon = name;
  const icon = document.createElementNS(SVG, "svg");
  icon.setAttribute("class", "icon");
  icon.setAttribute("aria-hidden", "true");
  icon.setAttribute("focusable", "false");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${options.icons_path}#${name}`);
  icon.append(use);
  place.replaceChildren(icon);
}

/** Writes a text only where it is another: readers hear no change that is none. @param {HTMLElement} place @param {string} text */
export function textShow(place, text) {
  if (place.textContent !== text) place.textContent = text;
}
