// @ts-check
// <scan-news>: says what a scan came to, above any dialog; it takes no focus, and goes away by itself.

import { part } from "../dom.js";

const STAYS_MS = 8000;
const SHOWN_CHARACTERS = 48;

/** Returns a code as it can be read on a page. @param {string} code */
export function codeShown(code) {
  const plain = code.replace(/[^\x20-\x7e]+/g, " ");
  return plain.length > SHOWN_CHARACTERS ? `${plain.slice(0, SHOWN_CHARACTERS - 1)}…` : plain;
}

export class ScanNews extends HTMLElement {
  home = this.parentElement;
  timer = 0;

  /** @param {string} text @param {"good" | "warning"} tone */
  show(text, tone) {
    this.hide();
    // All outside an open dialog is hidden from screen readers.
    const place = [...document.querySelectorAll("dialog[open]")].at(-1) ?? this.home;
    if (place !== this.parentElement) place?.append(this);
    this.dataset.tone = tone;
    part(this, "icon-good", HTMLElement).hidden = tone !== "good";
    part(this, "icon-warning", HTMLElement).hidden = tone === "good";
    this.showPopover();
    part(this, "word", HTMLElement).textContent = text;
    this.timer = setTimeout(() => this.hide(), STAYS_MS);
  }

  hide() {
    clearTimeout(this.timer);
    if (this.matches(":popover-open")) this.hidePopover();
    part(this, "word", HTMLElement).textContent = "";
  }
}

customElements.define("scan-news", ScanNews);
