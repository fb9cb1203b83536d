// @ts-check
// <settle-dialog>: before paying, asks about everything the camera could not tell.

import { part } from "../dom.js";
import { money, say, sayCount } from "../options.js";
import { UnresolvedItems } from "./unresolved-items.js";

/** @typedef {import("../connection/protocol.js").Cart} Cart */

/** Events: "pay"; those of `UnresolvedItems`. */
export class SettleDialog extends HTMLElement {
  connectedCallback() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.dialog = /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
    this.unresolved = /** @type {UnresolvedItems} */ (this.querySelector("unresolved-items"));
    this.payButton = part(this, "settle-pay", HTMLButtonElement);
    part(this, "settle-back", HTMLButtonElement).addEventListener("click", () => this.close(), { signal });
    this.payButton.addEventListener("click", () => this.dispatchEvent(new Event("pay")), { signal });
  }

  disconnectedCallback() {
    this.stop?.abort();
    this.close();
  }

  get isOpen() {
    return this.dialog?.open ?? false;
  }

  /** @param {Cart} cart */
  open(cart) {
    if (!this.dialog || this.dialog.open) return;
    this.problem("");
    this.dialog.showModal();
    this.show(cart);
    part(this, "settle-heading", HTMLElement).focus();
  }

  close() {
    this.dialog?.close();
  }

  /** Shows what is left, and what there is to pay once nothing is. @param {Cart} cart */
  show(cart) {
    if (!this.isOpen || !this.payButton || !this.unresolved) return;
    const open = cart.unresolved ?? [];
    if (!open.length && !cart.items.length) return this.close();
    const lostFocus = this.unresolved.show(open, cart.currency);
    const left = open.length ? sayCount("settle_left", open.length) : say("settle_done");
    const status = part(this, "settle-status", HTMLElement);
    if (status.textContent !== left) status.textContent = left;
    const total = cart.total_amount === null ? null : money(cart.total_amount, cart.currency);
    part(this, "settle-total", HTMLElement).textContent = cart.items.length ? (total ?? say("no_total")) : "–";
    const couldPay = !this.payButton.disabled;
    this.payButton.disabled = open.length > 0;
    if (!open.length && !couldPay) this.payButton.focus();
    else if (lostFocus) part(this, "settle-heading", HTMLElement).focus();
  }

  /** @param {string} text empty hides the notice */
  problem(text) {
    const problem = part(this, "settle-problem", HTMLElement);
    problem.textContent = text;
    problem.hidden = !text;
  }

  /** @param {boolean} paying */
  setPaying(paying) {
    if (!this.payButton) return;
    this.payButton.textContent = say(paying ? "paying" : "pay");
    if (this.isOpen) this.payButton.disabled = paying || (this.unresolved?.items.length ?? 0) > 0;
  }
}

customElements.define("settle-dialog", SettleDialog);
