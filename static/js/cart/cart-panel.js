// @ts-check
// <cart-panel>: the cart, its total, and the way to pay.

import { copyOf, lineStress, part, showPicture } from "../dom.js";
import { money, say, sayCount } from "../options.js";
import { UnresolvedItems } from "./unresolved-items.js";

/** @typedef {import("../connection/protocol.js").Cart} Cart */
/** @typedef {import("../connection/protocol.js").CartLine} CartLine */

const WISH_STAYS_MS = 1500;

/** Events: "quantity" (detail: {product_id, quantity}), "wrong" (detail: {line}), "undo", "pay"; those of `UnresolvedItems`. */
export class CartPanel extends HTMLElement {
  /** @type {Cart | null} */
  cart = null;
  /** @type {Map<string, {quantity: number, until: number}>} what was tapped and not yet answered */
  wishes = new Map();
  paying = false;

  connectedCallback() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.lines = part(this, "lines", HTMLUListElement);
    this.unresolved = /** @type {UnresolvedItems} */ (this.querySelector("unresolved-items"));
    this.payButton = part(this, "pay", HTMLButtonElement);
    this.lines.addEventListener("click", (event) => this.tapped(event), { signal });
    this.payButton.addEventListener("click", () => this.tell("pay"), { signal });
    part(this, "undo", HTMLButtonElement).addEventListener("click", () => this.tell("undo"), { signal });
  }

  disconnectedCallback() {
    this.stop?.abort();
  }

  /** @param {string} name @param {Record<string, unknown>} [detail] */
  tell(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** @param {string} productId */
  quantityOf(productId) {
    return this.cart?.items.find((line) => line.product_id === productId)?.quantity ?? 0;
  }

  /** @param {Cart} cart @param {string | null} [fresh] product that has just been added */
  show(cart, fresh = null) {
    this.cart = cart;
    const lines = /** @type {HTMLUListElement} */ (this.lines);
    const focused = lines.contains(document.activeElement);
    const known = new Map([...lines.children].map((line) => [/** @type {HTMLElement} */ (line).dataset.product, line]));
    for (const item of cart.items) {
      const line = /** @type {HTMLElement} */ (known.get(item.product_id) ?? this.lineMake(item));
      known.delete(item.product_id);
      this.lineShow(line, item, cart.currency);
      if (item.product_id === fresh) lineStress(line);
    }
    for (const line of known.values()) line.remove();
    const lostFocus = this.unresolved?.show(cart.unresolved ?? [], cart.currency);
    if (lostFocus) part(this, "title", HTMLElement).focus();
    if (focused && !lines.contains(document.activeElement)) part(this, "title", HTMLElement).focus();
    lines.hidden = cart.items.length === 0;
    this.openShow(cart.unresolved?.length ?? 0);
    part(this, "count", HTMLElement).textContent = cart.total_items ? sayCount("items", cart.total_items) : "";
    const total = cart.total_amount === null ? null : money(cart.total_amount, cart.currency);
    part(this, "total", HTMLElement).textContent = cart.items.length ? (total ?? say("no_total")) : "–";
    this.problem("");
    this.payShow();
  }

  /** Says how many items are still to be settled. @param {number} count */
  openShow(count) {
    const isEmpty = !this.cart?.items.length && count === 0;
    part(this, "empty", HTMLElement).hidden = !isEmpty;
    part(this, "content", HTMLElement).hidden = isEmpty;
    part(this, "open", HTMLElement).hidden = count === 0;
    part(this, "open-count", HTMLElement).textContent = count ? sayCount("unresolved", count) : "";
  }

  /** Whether the cart is known to hold nothing at all. */
  get isEmpty() {
    return this.cart !== null && !this.cart.total_items && !this.cart.unresolved?.length && !this.lines?.childElementCount;
  }

  /** Shows or hides that the cart cannot be changed or paid now. @param {boolean} lost */
  connectionLost(lost) {
    this.toggleAttribute("lost", lost);
    part(this, "lost-note", HTMLElement).hidden = !lost;
    if (!lost && !this.paying) this.problem("");
  }

  payShow() {
    if (!this.payButton) return;
    this.payButton.textContent = say(this.paying ? "paying" : "pay");
    this.payButton.disabled = this.paying || !(this.cart?.items.length || this.cart?.unresolved?.length);
  }

  /** @param {boolean} paying */
  setPaying(paying) {
    this.paying = paying;
    this.payShow();
  }

  /** Offers to take the last change back. @param {string | null} change what it was; null: nothing to take back */
  setUndo(change) {
    const button = part(this, "undo", HTMLButtonElement);
    if (change === null && button === document.activeElement) part(this, "title", HTMLElement).focus();
    button.hidden = change === null;
    button.setAttribute("aria-label", say("undo_what", { change: change ?? "" }));
  }

  /** @param {string} text empty hides the notice */
  problem(text) {
    const problem = part(this, "problem", HTMLElement);
    problem.textContent = text;
    problem.hidden = !text;
  }

  /** @param {CartLine} item */
  lineMake(item) {
    const line = copyOf(this, "line");
    line.dataset.product = item.product_id;
    this.lines?.append(line);
    return line;
  }

  /** @param {HTMLElement} line @param {CartLine} item @param {string} currency */
  lineShow(line, item, currency) {
    const quantity = this.wished(item);
    part(line, "name", HTMLElement).textContent = item.name;
    part(line, "quantity", HTMLElement).textContent = String(quantity);
    const price = item.unit_price === null ? null : Number(item.unit_price);
    part(line, "amount", HTMLElement).textContent = price === null ? "" : money(price * quantity, currency);
    const each = part(line, "each", HTMLElement);
    each.textContent = price === null ? say("no_price") : quantity > 1 ? say("each", { price: money(price, currency) }) : "";
    showPicture(line, item.image);
    for (const name of ["fewer", "more", "remove", "wrong"]) {
      part(line, name, HTMLButtonElement).setAttribute("aria-label", say(name, { name: item.name }));
    }
    part(line, "fewer", HTMLButtonElement).disabled = quantity <= 1;
  }

  /** Shows what was tapped until the answer is here, so that quick taps all count. @param {CartLine} item */
  wished(item) {
    const wish = this.wishes.get(item.product_id);
    if (!wish) return item.quantity;
    if (wish.quantity === item.quantity || performance.now() > wish.until) {
      this.wishes.delete(item.product_id);
      return item.quantity;
    }
    return wish.quantity;
  }

  /** @param {Event} event */
  tapped(event) {
    const button = /** @type {Element} */ (event.target).closest("button");
    const line = /** @type {HTMLElement | null} */ (button?.closest(".line"));
    const item = this.cart?.items.find((one) => one.product_id === line?.dataset.product);
    if (!button || !line || !item || !this.cart) return;
    if (button.dataset.part === "wrong") return this.tell("wrong", { line: item });
    const shown = this.wished(item);
    const step = /** @type {Record<string, number>} */ ({ fewer: shown - 1, more: shown + 1, remove: 0 });
    const quantity = step[button.dataset.part ?? ""];
    if (quantity === undefined) return;
    if (quantity > 0) this.wishes.set(item.product_id, { quantity, until: performance.now() + WISH_STAYS_MS });
    this.lineShow(line, item, this.cart.currency);
    this.tell("quantity", { product_id: item.product_id, quantity });
  }

  /** Takes back what was tapped but not accepted. */
  forgetWishes() {
    this.wishes.clear();
    if (this.cart) this.show(this.cart);
  }
}

customElements.define("cart-panel", CartPanel);
