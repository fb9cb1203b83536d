// @ts-check
// <connection-pill>: whether the server answers, and in good time, as an icon and a word.

import { part } from "../dom.js";
import { say } from "../options.js";

export class ConnectionPill extends HTMLElement {
  isOn = false;
  isSlow = false;
  text = "";

  /** @param {boolean} on @param {string} text */
  show(on, text) {
    Object.assign(this, { isOn: on, text });
    this.update();
  }

  /** Says that answers take long; no more than a lost connection is it called connected. @param {boolean} slow */
  slow(slow) {
    this.isSlow = slow;
    this.update();
  }

  update() {
    const { isOn } = this;
    const slow = isOn && this.isSlow;
    this.dataset.state = isOn ? "on" : "off";
    this.toggleAttribute("slow", slow);
    part(this, "icon-on", HTMLElement).hidden = !isOn || slow;
    part(this, "icon-slow", HTMLElement).hidden = !slow;
    part(this, "icon-off", HTMLElement).hidden = isOn;
    const word = part(this, "word", HTMLElement);
    const text = slow ? say("slow") : this.text;
    if (word.textContent !== text) word.textContent = text;
  }
}

customElements.define("connection-pill", ConnectionPill);
