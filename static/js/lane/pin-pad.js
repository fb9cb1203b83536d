// @ts-check
// Staff number and PIN by large keys: no field that a browser could fill in or remember, and no digit of the PIN shown.

import { part } from "../dom.js";
import { sayCount } from "../options.js";

const NUMBER_MAX = 9;
const PIN_MAX = 12;

/** Events: "entered" (detail: {staff_number, pin}). */
export class PinPad extends EventTarget {
  number = "";
  pin = "";
  isAtPin = false;
  /** When a key of the keyboard was typed last, and what there was before it. */
  typedAt = -Infinity;
  before = { number: "", pin: "", isAtPin: false };

  /** @param {HTMLElement} root holds keys and what they fill in @param {AbortSignal} signal */
  constructor(root, signal) {
    super();
    this.root = root;
    part(root, "pin-keys", HTMLElement).addEventListener("click", (event) => {
      const key = /** @type {Element} */ (event.target).closest("button")?.dataset.key;
      if (key) this.press(key);
    }, { signal });
    part(root, "pin-number", HTMLButtonElement).addEventListener("click", () => this.turn(false), { signal });
    part(root, "pin-secret", HTMLButtonElement).addEventListener("click", () => this.turn(true), { signal });
  }

  clear() {
    this.number = "";
    this.clearPin();
    this.turn(false);
  }

  clearPin() {
    this.pin = "";
    this.show();
  }

  /** @param {boolean} isAtPin whether the keys fill in the PIN, or the staff number */
  turn(isAtPin) {
    this.isAtPin = isAtPin;
    this.show();
  }

  /** A key of the keyboard; true if it was for the pad. @param {KeyboardEvent} event */
  typed(event) {
    const isOnButton = event.target instanceof HTMLButtonElement;
    if (!/^\d$/.test(event.key) && event.key !== "Backspace" && (event.key !== "Enter" || isOnButton)) return false;
    this.before = { number: this.number, pin: this.pin, isAtPin: this.isAtPin };
    this.typedAt = event.timeStamp;
    this.press(event.key);
    return true;
  }

  /** Takes back the one character of a scan that came as a key, before it was known to be a scan. @param {number} beganAt */
  scanned(beganAt) {
    if (this.typedAt !== beganAt) return;
    Object.assign(this, this.before);
    this.show();
  }

  /** @param {string} key */
  press(key) {
    if (key === "Enter") return this.go();
    const typed = this.isAtPin ? this.pin : this.number;
    const next = key === "Backspace" ? typed.slice(0, -1) : typed + key;
    if (this.isAtPin) this.pin = next.slice(0, PIN_MAX);
    else this.number = next.slice(0, NUMBER_MAX);
    this.show();
  }

  go() {
    if (!this.isAtPin) return this.number ? this.turn(true) : undefined;
    if (!this.number) return this.turn(false);
    if (!this.pin) return undefined;
    this.dispatchEvent(new CustomEvent("entered", { detail: { staff_number: Number(this.number), pin: this.pin } }));
    return undefined;
  }

  show() {
    const { root } = this;
    part(root, "pin-number-digits", HTMLElement).textContent = this.number;
    part(root, "pin-secret-digits", HTMLElement).textContent = "•".repeat(this.pin.length);
    part(root, "pin-secret-count", HTMLElement).textContent = sayCount("staff_digits", this.pin.length);
    part(root, "pin-number", HTMLElement).setAttribute("aria-pressed", String(!this.isAtPin));
    part(root, "pin-secret", HTMLElement).setAttribute("aria-pressed", String(this.isAtPin));
    part(root, "pin-go", HTMLElement).classList.toggle("pin-last", this.isAtPin);
  }
}
