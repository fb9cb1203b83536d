// @ts-check
// Tells the bursts of a barcode scanner from typing, wherever the focus is, and keeps their keys from the page.
// A scanner on USB is a keyboard: it types the code and Enter or Tab, a key every 1 to 30 ms.

import { isEnd, isModifier, keyRead, textOf } from "./keys.js";

/** @typedef {import("./keys.js").ScannedKey} ScannedKey */
/** @typedef {HTMLInputElement | HTMLTextAreaElement} Field */

/** From one key of a scan to the next; the fastest typists stay above 60 ms. */
const GAP_MS = 50;
/** Fewer characters are typing: two or three keys can be hit at once. */
const CHARACTERS_MIN = 4;
const WITHOUT_TEXT = new Set(["button", "checkbox", "color", "file", "image", "radio", "range", "reset", "submit"]);

/** @param {EventTarget | null} target @returns {target is Field} */
function isField(target) {
  if (target instanceof HTMLTextAreaElement) return true;
  return target instanceof HTMLInputElement && !WITHOUT_TEXT.has(target.type);
}

/** Events: "scan" (detail: {code, field, beganAt}; field: the text field that had the focus, or null; beganAt: the time of the first key). */
export class WedgeScanner extends EventTarget {
  /** @type {ScannedKey[]} the burst so far */
  keys = [];
  lastAt = -Infinity;
  beganAt = -Infinity;
  /** A scan has just ended: another line end belongs to it. */
  hasEnded = false;
  /** Codes of pressed keys that the page must not see go up. @type {Set<string>} */
  swallowed = new Set();
  /** What fields held before the burst. @type {Map<Field, {value: string, start: number | null, end: number | null}>} */
  fields = new Map();
  /** What a select held before the burst. @type {Map<HTMLSelectElement, number>} */
  selects = new Map();
  /** What the first character did; it takes effect unless a scan follows. @type {{target: Element, type: string}[]} */
  held = [];
  timer = 0;

  constructor() {
    super();
    addEventListener("keydown", (event) => this.pressed(event), true);
    addEventListener("keyup", (event) => this.released(event), true);
    for (const type of ["click", "input", "change"]) addEventListener(type, (event) => this.hold(event), true);
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const isFast = event.timeStamp - this.lastAt <= GAP_MS;
    this.swallowed.delete(event.code);
    if (event.repeat) return this.forget(); // a key held down
    if (isModifier(event)) {
      if (isFast) this.lastAt = event.timeStamp;
      return;
    }
    if (!isFast) this.forget();
    if (isEnd(event)) return this.ended(event);
    const key = keyRead(event);
    if (key) this.collect(event, key);
    else if (this.keys.length > 1) this.swallow(event);
    else return this.forget();
    this.lastAt = event.timeStamp;
  }

  /** @param {KeyboardEvent} event */
  ended(event) {
    if (this.hasEnded) {
      this.lastAt = event.timeStamp;
      return this.swallow(event);
    }
    if (this.keys.length < CHARACTERS_MIN) return this.forget();
    this.swallow(event);
    this.scanned(event.isComposing || event.keyCode === 229);
    this.lastAt = event.timeStamp;
  }

  /** @param {KeyboardEvent} event @param {ScannedKey} key */
  collect(event, key) {
    this.hasEnded = false;
    if (!this.keys.length) this.beganAt = event.timeStamp;
    this.keys.push(key);
    const target = event.composedPath()[0] ?? null;
    if (isField(target)) {
      if (!this.fields.has(target)) {
        const { value, selectionStart: start, selectionEnd: end } = target;
        this.fields.set(target, { value, start, end });
      }
      if (event.ctrlKey && this.keys.length > 1 && !event.getModifierState("AltGraph")) this.swallow(event);
    } else if (this.keys.length > 1) this.swallow(event);
    else if (target instanceof HTMLSelectElement) this.selects.set(target, target.selectedIndex);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.giveBack(), GAP_MS);
  }

  /** @param {boolean} isComposing whether an input method may still write */
  scanned(isComposing) {
    const code = textOf(this.keys);
    const [field = null] = this.fields.keys();
    const restore = [...this.fields];
    for (const [select, index] of this.selects) select.selectedIndex = index;
    this.held = [];
    this.forget();
    this.hasEnded = true;
    for (const [one, before] of restore) this.restore(one, before);
    const scan = new CustomEvent("scan", { detail: { code, field, beganAt: this.beganAt }, cancelable: true });
    const isTaken = !this.dispatchEvent(scan);
    if (isComposing && !isTaken) setTimeout(() => restore.forEach(([one, before]) => this.restore(one, before)));
  }

  /** @param {Field} field @param {{value: string, start: number | null, end: number | null}} before */
  restore(field, { value, start, end }) {
    if (field.value === value && !field.validity.badInput) return;
    field.value = value;
    if (start !== null) field.setSelectionRange(start, end);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** Begins anew; what was held back was a person's, and takes effect. */
  forget() {
    this.giveBack();
    this.keys = [];
    this.lastAt = -Infinity;
    this.hasEnded = false;
    this.fields.clear();
    this.selects.clear();
  }

  /** Keeps back for a moment what the first character did to a control: it may be the first of a scan. @param {Event} event */
  hold(event) {
    const target = event.target;
    if (!this.timer || !event.isTrusted || !(target instanceof Element) || isField(target)) return;
    if (event.type === "click" && /** @type {MouseEvent} */ (event).detail > 0) return;
    event.stopImmediatePropagation();
    if (event.type === "click") event.preventDefault();
    this.held.push({ target, type: event.type });
  }

  giveBack() {
    clearTimeout(this.timer);
    this.timer = 0;
    const { held } = this;
    this.held = [];
    for (const { target, type } of held) {
      if (type !== "click") target.dispatchEvent(new Event(type, { bubbles: true }));
      else if (target instanceof HTMLElement) target.click();
    }
  }

  /** @param {KeyboardEvent} event */
  swallow(event) {
    event.preventDefault();
    event.stopImmediatePropagation();
    this.swallowed.add(event.code);
  }

  /** @param {KeyboardEvent} event */
  released(event) {
    if (!this.swallowed.delete(event.code)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}
