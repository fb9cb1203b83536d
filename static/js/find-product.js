// @ts-check
// <find-product>: adds a product without the camera, by its barcode or by its name.

import { copyOf, part, showPicture } from "./dom.js";
import { money, options, say, sayCount } from "./options.js";

/** @typedef {{product_id: string, name: string, price: string | null,
 *   images: {url: string}[]}} Found */

const TYPING_PAUSE_MS = 300;
const BARCODE = /^\d{8,14}$/;

/** Events: "barcode" (detail: {code}), "pick" (detail: {product_id, name}). */
export class FindProduct extends HTMLElement {
  /** Currency of the prices shown. */
  currency = "EUR";

  connectedCallback() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.timer = 0;
    this.dialog = /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
    this.input = /** @type {HTMLInputElement} */ (this.querySelector("input"));
    this.first = part(this, "status", HTMLElement).textContent ?? "";
    part(this, "close", HTMLButtonElement).addEventListener("click", () => this.dialog?.close(), { signal });
    part(this, "form", HTMLFormElement).addEventListener("submit", (event) => this.submitted(event), { signal });
    this.input.addEventListener("input", () => this.typed(), { signal });
  }

  disconnectedCallback() {
    this.stop?.abort();
    this.search?.abort();
    clearTimeout(this.timer);
    this.dialog?.close();
  }

  get isOpen() {
    return this.dialog?.open ?? false;
  }

  open() {
    if (!this.dialog || !this.input || this.dialog.open) return;
    this.clear();
    this.dialog.showModal();
    this.input.focus();
  }

  close() {
    this.dialog?.close();
  }

  clear() {
    if (this.input) this.input.value = "";
    part(this, "found", HTMLElement).replaceChildren();
    this.say(this.first ?? "");
  }

  /** @param {string} words @param {boolean} [bad] */
  say(words, bad = false) {
    const status = part(this, "status", HTMLElement);
    status.textContent = words;
    status.classList.toggle("bad", bad);
    this.input?.setAttribute("aria-invalid", String(bad));
  }

  get words() {
    return (this.input?.value ?? "").trim();
  }

  get barcode() {
    const digits = this.words.replace(/[\s-]/g, "");
    return BARCODE.test(digits) ? digits : null;
  }

  typed() {
    clearTimeout(this.timer);
    this.search?.abort();
    if (this.barcode || this.words.length < 2) {
      part(this, "found", HTMLElement).replaceChildren();
      this.say(this.first ?? "");
    } else {
      this.timer = setTimeout(() => this.find(), TYPING_PAUSE_MS);
    }
  }

  /** @param {Event} event */
  submitted(event) {
    event.preventDefault();
    clearTimeout(this.timer);
    if (this.barcode) {
      this.dispatchEvent(new CustomEvent("barcode", { detail: { code: this.barcode } }));
      return;
    }
    const only = this.querySelectorAll(".found-row");
    if (only.length === 1) /** @type {HTMLButtonElement} */ (only[0]).click();
    else if (this.words) void this.find();
  }

  async find() {
    this.search?.abort();
    this.search = new AbortController();
    const { signal } = this.search;
    this.say(say("searching"));
    try {
      const address = `${options.products_path}?${new URLSearchParams({ q: this.words, active: "true" })}`;
      const answer = await fetch(address, { signal, headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
      /** @type {{results: Found[]}} */
      const { results } = await answer.json();
      this.show(results);
    } catch (error) {
      if (signal.aborted) return;
      console.error(error);
      this.say(say("search_failed"), true);
    }
  }

  /** @param {Found[]} found */
  show(found) {
    const rows = found.map((product) => {
      const row = copyOf(this, "row");
      part(row, "name", HTMLElement).textContent = product.name;
      part(row, "price", HTMLElement).textContent =
        product.price === null ? say("no_price") : money(product.price, this.currency);
      showPicture(row, product.images[0]?.url ?? null);
      row.querySelector("button")?.addEventListener("click", () => {
        this.dispatchEvent(
          new CustomEvent("pick", { detail: { product_id: product.product_id, name: product.name } }),
        );
      });
      return row;
    });
    part(this, "found", HTMLElement).replaceChildren(...rows);
    this.say(found.length ? sayCount("found", found.length) : say("found_none"));
  }
}

customElements.define("find-product", FindProduct);
