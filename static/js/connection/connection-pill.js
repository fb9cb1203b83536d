// @ts-check
// <connection-pill>: whether the server answers, as an icon and a word.

import { part } from "../dom.js";

export class ConnectionPill extends HTMLElement {
  /** @param {boolean} on @param {string} text */
  show(on, text) {
    this.dataset.state = on ? "on" : "off";
    part(this, "icon-on", HTMLElement).hidden = !on;
    part(this, "icon-off", HTMLElement).hidden = on;
    const word = part(this, "word", HTMLElement);
    if (word.textContent !== text) word.textContent = text;
  }
}

customElements.define("connection-pill", ConnectionPill);
