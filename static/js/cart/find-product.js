// @ts-check
// <find-product>: names a product without the camera, by barcode or name: to add it, to replace
// a wrong line, or to say what an item was that the camera could not tell.

import { part, showPicture } from "../dom.js";
import { say, sayCount } from "../options.js";
import { choiceRow, priceText, productRow, productsFind, productsLikely } from "./product-rows.js";

/** @typedef {import("../connection/protocol.js").CartLine} CartLine */
/** @typedef {import("../connection/protocol.js").Choice} Choice */
/** @typedef {import("../connection/protocol.js").Unresolved} Unresolved */
/** @typedef {import("./product-rows.js").Found} Found */

const TYPING_PAUSE_MS = 300;
const BARCODE = /^\d{8,14}$/;

/** Events: "barcode" (detail: {code}), "pick" (detail: {product_id}),
 *  "correct" (detail: {product_id, instead_id}; instead_id null: only take it off),
 *  "settle" (bubbling; detail: the command). */
export class FindProduct extends HTMLElement {
  /** Currency of the prices shown. */
  currency = "EUR";
  /** @type {CartLine | null} the line that is wrong; null while adding */
  wrong = null;
  /** @type {Unresolved | null} the item that is to be named */
  item = null;
  /** Whether something was sent that is not answered yet. */
  isWaiting = false;

  connectedCallback() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.timer = 0;
    this.dialog = /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
    this.input = /** @type {HTMLInputElement} */ (this.querySelector("input"));
    part(this, "close", HTMLButtonElement).addEventListener("click", () => this.dialog?.close(), { signal });
    part(this, "form", HTMLFormElement).addEventListener("submit", (event) => this.submitted(event), { signal });
    part(this, "take-off", HTMLButtonElement).addEventListener("click", () => this.correct(null), { signal });
    this.input.addEventListener("input", () => this.typed(), { signal });
    this.dialog.addEventListener("close", () => this.searching?.abort(), { signal });
  }

  disconnectedCallback() {
    this.stop?.abort();
    this.searching?.abort();
    clearTimeout(this.timer);
    this.dialog?.close();
  }

  get isOpen() {
    return this.dialog?.open ?? false;
  }

  /** Whether it is open to add something. */
  get isAdding() {
    return this.isOpen && this.wrong === null && this.item === null;
  }

  /** Offers to add a product. */
  open() {
    this.begin(null);
    this.input?.focus();
  }

  /** Offers to replace the product of a line. @param {CartLine} line */
  openInstead(line) {
    this.begin(line);
    void this.likely(line);
  }

  /** Offers to say what an item was. @param {Unresolved} item */
  openFor(item) {
    if (this.isOpen) return;
    this.begin(null, item);
    this.likelyShow("unresolved-row", item.choices);
    this.input?.focus();
  }

  /** Closes when an addition by the shopper is done, never for one by the camera. @param {string} source */
  added(source) {
    if (this.isAdding && this.isWaiting && source !== "vision") this.close();
  }

  /** Closes when the item to be named is settled. @param {Unresolved[]} open */
  follow(open) {
    if (this.isOpen && this.item && !open.some((one) => one.id === this.item?.id)) this.close();
  }

  /** @param {CartLine | null} wrong @param {Unresolved | null} [item] */
  begin(wrong, item = null) {
    if (!this.dialog || !this.input || this.dialog.open) return;
    this.wrong = wrong;
    this.item = item;
    this.isWaiting = false;
    const picture = part(this, "item-picture", HTMLElement);
    picture.hidden = item === null;
    if (item) showPicture(picture, item.image);
    const name = wrong?.name ?? "";
    const heading = item ? say("settle_heading") : wrong ? say("correct_heading", { name }) : say("find_heading");
    part(this, "heading", HTMLElement).textContent = heading;
    part(this, "go", HTMLElement).textContent = say(wrong ? "find_search" : "find_add");
    part(this, "take-off-row", HTMLElement).hidden = wrong === null;
    part(this, "likely", HTMLElement).hidden = true;
    this.input.value = "";
    this.clear();
    this.dialog.showModal();
  }

  close() {
    this.dialog?.close();
  }

  /** Shows nothing found, and what can be done. */
  clear() {
    part(this, "found", HTMLElement).replaceChildren();
    this.say(say(this.wrong ? "correct_hint" : "find_hint"));
  }

  /** Whether a scan into this field was meant for it, to add something. @param {Element | null} field */
  isScannedInto(field) {
    return this.isAdding && field === this.input;
  }

  /**
   * Takes a scan into its field: names the item that is to be named, or looks for what may replace a wrong line.
   * False where neither is asked. @param {string} code @param {Element | null} field
   */
  takesScan(code, field) {
    if (!this.isOpen || !this.input || field !== this.input) return false;
    if (this.item) {
      this.isWaiting = true;
      this.settle({ code });
      return true;
    }
    if (!this.wrong) return false;
    this.input.value = code;
    void this.find();
    return true;
  }

  /** @param {string} text @param {boolean} [bad] */
  say(text, bad = false) {
    if (bad) this.isWaiting = false;
    const status = part(this, "status", HTMLElement);
    status.textContent = text;
    status.classList.toggle("bad", bad);
    this.input?.setAttribute("aria-invalid", String(bad));
  }

  get query() {
    return (this.input?.value ?? "").trim();
  }

  get barcode() {
    const digits = this.query.replace(/[\s-]/g, "");
    return BARCODE.test(digits) ? digits : null;
  }

  typed() {
    clearTimeout(this.timer);
    this.searching?.abort();
    if (this.query.length < 2 || (this.barcode && !this.wrong)) this.clear();
    else this.timer = setTimeout(() => this.find(), TYPING_PAUSE_MS);
  }

  /** @param {Event} event */
  submitted(event) {
    event.preventDefault();
    clearTimeout(this.timer);
    if (this.barcode && !this.wrong) {
      this.isWaiting = true;
      if (this.item) this.settle({ code: this.barcode });
      else this.dispatchEvent(new CustomEvent("barcode", { detail: { code: this.barcode } }));
      return;
    }
    const rows = this.querySelectorAll(".found-row");
    if (rows.length === 1) /** @type {HTMLButtonElement} */ (rows[0]).click();
    else if (this.query) void this.find();
  }

  async find() {
    this.searching?.abort();
    this.searching = new AbortController();
    const { signal } = this.searching;
    this.say(say("searching"));
    try {
      this.show(await productsFind(this.barcode ?? this.query, signal));
    } catch (error) {
      if (signal.aborted) return;
      console.error(error);
      this.say(say("search_failed"), true);
    }
  }

  /** @param {Found[]} found */
  show(found) {
    const rows = found
      .filter((product) => product.product_id !== this.wrong?.product_id)
      .map((product) => {
        const image = product.images[0]?.url ?? null;
        const row = productRow(this, "row", { name: product.name, image }, () => this.picked(product.product_id));
        part(row, "price", HTMLElement).textContent = priceText(product.price, this.currency);
        return row;
      });
    part(this, "found", HTMLElement).replaceChildren(...rows);
    this.say(rows.length ? sayCount("found", rows.length) : say("found_none"));
  }

  /** Asks what else the camera may have seen; without an answer the search is still there. @param {CartLine} line */
  async likely(line) {
    this.searching = new AbortController();
    const { signal } = this.searching;
    try {
      const products = await productsLikely(line.product_id, signal);
      if (this.wrong !== line || !products.length) return;
      this.likelyShow("likely-row", products);
    } catch (error) {
      if (!signal.aborted) console.error(error);
    }
  }

  /** @param {"likely-row" | "unresolved-row"} template @param {Choice[]} products */
  likelyShow(template, products) {
    const chips = products.map((product) => {
      const onTap = () => this.picked(product.product_id);
      if (template === "likely-row") return productRow(this, template, product, onTap);
      return choiceRow(this, template, product, this.currency, onTap);
    });
    part(this, "likely-list", HTMLElement).replaceChildren(...chips);
    part(this, "likely", HTMLElement).hidden = chips.length === 0;
  }

  /** @param {{product_id: string} | {code: string}} what the item was */
  settle(what) {
    const detail = { type: "unresolved.resolve", id: this.item?.id, ...what };
    this.dispatchEvent(new CustomEvent("settle", { bubbles: true, detail }));
  }

  /** @param {string} productId */
  picked(productId) {
    this.isWaiting = true;
    if (this.item) this.settle({ product_id: productId });
    else if (this.wrong) this.correct(productId);
    else this.dispatchEvent(new CustomEvent("pick", { detail: { product_id: productId } }));
  }

  /** @param {string | null} insteadId */
  correct(insteadId) {
    if (!this.wrong) return;
    const detail = { product_id: this.wrong.product_id, instead_id: insteadId };
    this.close();
    this.dispatchEvent(new CustomEvent("correct", { detail }));
  }
}

customElements.define("find-product", FindProduct);
