// @ts-check
// <lane-panel>: one lane in detail: its cart, what is unresolved, its camera and its device. Each change asks why.

import { copyOf, csrfToken, part, showPicture } from "../dom.js";
import { addressOf, money, options, say, sayCount } from "../options.js";
import { choiceRow, productRow, priceText, productsFind } from "../cart/product-rows.js";
import { LivePicture } from "./live-picture.js";
import { rowsShow, textShow } from "./rows.js";
import { staffOptions } from "./staff-options.js";

/** @typedef {import("./staff-link.js").StaffLink} StaffLink */
/** @typedef {import("./staff-link.js").LaneView} LaneView */
/** @typedef {import("../connection/protocol.js").CartLine} CartLine */
/** @typedef {import("../connection/protocol.js").Unresolved} Unresolved */

const TYPING_PAUSE_MS = 300;
const BARCODE = /^\d{8,14}$/;

export class LanePanel extends HTMLElement {
  /** @type {StaffLink | null} */
  link = null;
  /** @type {LaneView | null} */
  lane = null;
  /** Why the cart is changed, once that was said for this lane. */
  why = "";
  /** @type {Unresolved | null} the item that a product is looked for */
  naming = null;
  timer = 0;

  connectedCallback() {
    this.dialog = part(this, "panel", HTMLDialogElement);
    this.live = /** @type {LivePicture} */ (this.querySelector("live-picture"));
    this.input = part(this, "find-input", HTMLInputElement);
    part(this, "panel-close", HTMLElement).addEventListener("click", () => this.dialog?.close());
    this.dialog.addEventListener("close", () => this.closed());
    for (const button of this.querySelectorAll("[data-act]")) {
      button.addEventListener("click", () => void this.act(/** @type {HTMLElement} */ (button).dataset.act ?? ""));
    }
    part(this, "open-close", HTMLElement).addEventListener("click", () => void this.act(this.lane?.is_open ? "close" : "open"));
    part(this, "pair", HTMLElement).addEventListener("click", () => void this.pair());
    part(this, "pair-close", HTMLElement).addEventListener("click", () => part(this, "pair-dialog", HTMLDialogElement).close());
    part(this, "panel-lines", HTMLElement).addEventListener("click", (event) => void this.lineTapped(event));
    part(this, "open-list", HTMLElement).addEventListener("click", (event) => void this.openTapped(event));
    part(this, "find-form", HTMLFormElement).addEventListener("submit", (event) => this.submitted(event));
    this.input.addEventListener("input", () => this.typed());
    part(this, "reason-cancel", HTMLElement).addEventListener("click", () => part(this, "reason-dialog", HTMLDialogElement).close());
    part(this, "reason-form", HTMLFormElement).addEventListener("submit", (event) => this.reasonGiven(event));
    part(this, "reason-dialog", HTMLDialogElement).addEventListener("close", () => this.answerReason?.(null));
  }

  /** @param {StaffLink} link @param {LaneView} lane */
  open(link, lane) {
    this.link = link;
    this.why = "";
    this.live?.follow(link, lane.id);
    this.nameNothing();
    this.say("");
    this.show(lane);
    this.dialog?.showModal();
    part(this, "panel-title", HTMLElement).focus();
  }

  closed() {
    this.live?.stop();
    if (this.live) this.live.laneId = "";
    const id = this.lane?.id;
    this.lane = null;
    this.dispatchEvent(new CustomEvent("closed", { detail: { id } }));
  }

  /** Shows the lane as it is now. @param {LaneView[]} lanes */
  follow(lanes) {
    const now = lanes.find((lane) => lane.id === this.lane?.id);
    if (now) this.show(now);
    else if (this.lane) this.dialog?.close();
  }

  /** @param {LaneView} lane */
  show(lane) {
    if (this.lane && this.lane.session_id !== lane.session_id) this.why = "";
    this.lane = lane;
    const { cart } = lane;
    textShow(part(this, "panel-title", HTMLElement), `${lane.code} · ${lane.name}`);
    const words = [say(`status_${lane.status}`), lane.is_open ? say(`activity_${lane.activity}`) : say("closed")];
    this.live?.cameraIs(lane.camera);
    if (!lane.store_is_open) words.push(say("after_hours"));
    words.push(say(`camera_${lane.camera}`));
    if (lane.watched_by.length) words.push(say("watched_by", { names: lane.watched_by.join(", ") }));
    const { telemetry } = lane;
    if (telemetry?.p50_ms != null) words.push(say("telemetry", { fps: telemetry.fps, p50: Math.round(telemetry.p50_ms) }));
    textShow(part(this, "panel-state", HTMLElement), words.join(" · "));
    textShow(part(this, "open-close", HTMLElement), say(lane.is_open ? "close" : "open"));
    this.querySelectorAll("[data-act=approve], [data-act=end]").forEach((button) => {
      /** @type {HTMLButtonElement} */ (button).disabled = cart === null;
    });
    part(this, "find-form", HTMLElement).hidden = cart === null;
    const lines = (cart?.items ?? []).map((line) => ({ ...line, id: line.product_id }));
    const list = part(this, "panel-lines", HTMLElement);
    this.keepFocus(list, "panel-cart-title", () => {
      rowsShow(list, lines, () => copyOf(this, "panel-line"), (row, line) => this.lineShow(row, line, cart?.currency ?? "EUR"));
    });
    textShow(part(this, "panel-items", HTMLElement), cart ? sayCount("items", cart.total_items) : say("nobody"));
    const total = cart?.total_amount == null ? null : money(cart.total_amount, cart.currency);
    textShow(part(this, "panel-total", HTMLElement), cart ? (total ?? say("no_total")) : "");
    this.openShow(cart?.unresolved ?? [], cart?.currency ?? "EUR");
  }

  /** @param {HTMLElement} list @param {string} title id of what gets the focus of a row that went @param {() => void} change */
  keepFocus(list, title, change) {
    const focused = list.contains(document.activeElement);
    change();
    if (focused && !list.contains(document.activeElement)) document.getElementById(title)?.focus();
  }

  /** @param {HTMLElement} row @param {CartLine} line @param {string} currency */
  lineShow(row, line, currency) {
    const price = line.unit_price === null ? null : Number(line.unit_price);
    textShow(part(row, "name", HTMLElement), line.name);
    textShow(part(row, "quantity", HTMLElement), String(line.quantity));
    textShow(part(row, "amount", HTMLElement), price === null ? "" : money(price * line.quantity, currency));
    const each = price === null ? say("no_price") : line.quantity > 1 ? say("each", { price: money(price, currency) }) : "";
    textShow(part(row, "each", HTMLElement), each);
    showPicture(row, line.image);
    for (const name of ["fewer", "more", "remove"]) {
      part(row, name, HTMLButtonElement).setAttribute("aria-label", say(name, { name: line.name }));
    }
    part(row, "fewer", HTMLButtonElement).disabled = line.quantity <= 1;
  }

  /** @param {Unresolved[]} items @param {string} currency */
  openShow(items, currency) {
    part(this, "open-part", HTMLElement).hidden = items.length === 0;
    const list = part(this, "open-list", HTMLElement);
    this.keepFocus(list, items.length ? "open-title" : "panel-cart-title", () => {
      rowsShow(list, items, (item) => this.openMake(item, currency), () => {});
    });
    if (this.naming && !items.some((item) => item.id === this.naming?.id)) this.nameNothing();
  }

  /** @param {Unresolved} item @param {string} currency */
  openMake(item, currency) {
    const row = copyOf(this, "open-item");
    part(row, "kind", HTMLElement).textContent = say(`unresolved_${item.kind}`);
    showPicture(row, item.image);
    const chips = item.choices.map((choice) => {
      const chip = choiceRow(this, "found-row", choice, currency, () => void this.settle(item, { product_id: choice.product_id }));
      return /** @type {HTMLElement} */ (chip.firstElementChild);
    });
    part(row, "choices", HTMLElement).replaceChildren(...chips);
    return row;
  }

  /** @param {Event} event */
  async lineTapped(event) {
    const button = /** @type {HTMLElement} */ (event.target).closest("button");
    const id = /** @type {HTMLElement | null} */ (button?.closest(".panel-line"))?.dataset.id;
    const line = this.lane?.cart?.items.find((one) => one.product_id === id);
    if (!button || !line) return;
    const step = /** @type {Record<string, number>} */ ({ fewer: line.quantity - 1, more: line.quantity + 1, remove: 0 });
    await this.cartSet(line.product_id, step[button.dataset.part ?? ""] ?? line.quantity);
  }

  /** @param {string} productId @param {number} quantity */
  async cartSet(productId, quantity) {
    const why = this.why || (await this.reason("do_cart"));
    if (!why) return false;
    this.why = why;
    return this.ask({ type: "cart.set", product_id: productId, quantity, reason: why });
  }

  /** @param {Event} event */
  async openTapped(event) {
    const button = /** @type {HTMLElement} */ (event.target).closest("button");
    const id = /** @type {HTMLElement | null} */ (button?.closest(".open-item"))?.dataset.id;
    const item = this.lane?.cart?.unresolved?.find((one) => one.id === id);
    const name = button?.dataset.part;
    if (!item || !name) return;
    if (name === "settle-find") return this.nameItem(item);
    // The button says why by itself.
    const why = button.textContent?.trim() ?? "";
    await this.ask({ type: "unresolved.dismiss", id: item.id, outcome: name, reason: why });
  }

  /** @param {Unresolved} item @param {{product_id: string} | {code: string}} what */
  async settle(item, what) {
    if (await this.ask({ type: "unresolved.resolve", id: item.id, ...what })) this.nameNothing();
  }

  /** @param {string} name */
  async act(name) {
    const why = await this.reason(`do_${name}`);
    if (!why) return;
    if (name === "end") await this.ask({ type: "visit.end", reason: why });
    else await this.ask({ type: "lane.command", command: name, reason: why });
  }

  /** Asks the server for something at this lane, and says what came of it. @param {Record<string, unknown>} command */
  async ask(command) {
    const answer = await this.link?.ask({ ...command, lane_id: this.lane?.id });
    this.say(answer?.ok ? say("did") : refusalText(answer), !answer?.ok);
    return answer?.ok ?? false;
  }

  /** @param {string} text @param {boolean} [bad] */
  say(text, bad = false) {
    const said = part(this, "panel-said", HTMLElement);
    said.hidden = !text;
    said.classList.toggle("bad", bad);
    said.textContent = text;
  }

  /** Says that what is shown may be old; empty where it is not. @param {string} text */
  lost(text) {
    part(this, "panel-lost", HTMLElement).hidden = !text;
    textShow(part(this, "panel-lost-text", HTMLElement), text);
  }

  /** Asks why something is done; empty where it is not to be done. @param {string} key of what is done @returns {Promise<string>} */
  reason(key) {
    const dialog = part(this, "reason-dialog", HTMLDialogElement);
    part(this, "reason-form", HTMLFormElement).reset();
    part(this, "reason-missing", HTMLElement).hidden = true;
    part(this, "reason-title", HTMLElement).textContent = say(key);
    part(this, "reason-go", HTMLElement).textContent = say(key);
    return new Promise((resolve) => {
      this.answerReason = (/** @type {string | null} */ why) => {
        this.answerReason = null;
        resolve(why ?? "");
      };
      dialog.showModal();
      part(this, "reason-title", HTMLElement).focus();
    });
  }

  /** @type {((why: string | null) => void) | null} */
  answerReason = null;

  /** @param {Event} event */
  reasonGiven(event) {
    event.preventDefault();
    const form = part(this, "reason-form", HTMLFormElement);
    const text = part(this, "reason-text", HTMLInputElement).value.trim();
    const why = text || String(new FormData(form).get("why") ?? "");
    part(this, "reason-missing", HTMLElement).hidden = Boolean(why);
    if (!why) return;
    this.answerReason?.(why);
    part(this, "reason-dialog", HTMLDialogElement).close();
  }

  // Finding a product

  /** @param {Unresolved} item */
  nameItem(item) {
    this.naming = item;
    this.findSay("settle_hint");
    part(this, "found", HTMLElement).replaceChildren();
    if (this.input) {
      this.input.value = "";
      this.input.focus();
    }
  }

  nameNothing() {
    this.naming = null;
    if (this.input) this.input.value = "";
    part(this, "found", HTMLElement).replaceChildren();
    this.findSay("find_hint");
  }

  get query() {
    return (this.input?.value ?? "").trim();
  }

  get barcode() {
    const digits = this.query.replace(/[\s-]/g, "");
    return BARCODE.test(digits) ? digits : null;
  }

  /** @param {string} key @param {number} [count] */
  findSay(key, count) {
    textShow(part(this, "find-status", HTMLElement), count === undefined ? say(key) : sayCount(key, count));
  }

  typed() {
    clearTimeout(this.timer);
    this.searching?.abort();
    if (this.query.length < 2) part(this, "found", HTMLElement).replaceChildren();
    else this.timer = setTimeout(() => void this.find(), TYPING_PAUSE_MS);
  }

  /** @param {Event} event */
  submitted(event) {
    event.preventDefault();
    clearTimeout(this.timer);
    if (this.barcode && this.naming) void this.settle(this.naming, { code: this.barcode });
    else if (this.query) void this.find(true);
  }

  /** @param {boolean} [takes] whether a single find is taken at once, as after a scan */
  async find(takes = false) {
    this.searching?.abort();
    this.searching = new AbortController();
    const { signal } = this.searching;
    this.findSay("searching");
    try {
      const found = await productsFind(this.barcode ?? this.query, signal);
      const currency = this.lane?.cart?.currency ?? "EUR";
      const rows = found.map((product) => {
        const image = product.images[0]?.url ?? null;
        const row = productRow(this, "found-row", { name: product.name, image }, () => void this.picked(product.product_id));
        part(row, "price", HTMLElement).textContent = priceText(product.price, currency);
        return row;
      });
      part(this, "found", HTMLElement).replaceChildren(...rows);
      if (rows.length) this.findSay("found", rows.length);
      else this.findSay("found_none");
      if (takes && found.length === 1 && this.barcode) await this.picked(found[0].product_id);
    } catch (error) {
      if (signal.aborted) return;
      console.error(error);
      this.findSay("search_failed");
    }
  }

  /** @param {string} productId */
  async picked(productId) {
    if (this.naming) return this.settle(this.naming, { product_id: productId });
    const before = this.lane?.cart?.items.find((line) => line.product_id === productId)?.quantity ?? 0;
    if (await this.cartSet(productId, before + 1)) this.nameNothing();
  }

  // Pairing

  async pair() {
    const dialog = part(this, "pair-dialog", HTMLDialogElement);
    const [code, until] = [part(this, "pair-code", HTMLElement), part(this, "pair-until", HTMLElement)];
    const qr = part(this, "pair-qr", HTMLElement);
    code.textContent = "";
    until.textContent = "";
    qr.replaceChildren();
    dialog.showModal();
    try {
      const answer = await fetch(addressOf(staffOptions.pairing_path, this.lane?.id ?? ""), {
        method: "POST",
        headers: { "X-CSRFToken": csrfToken(), Accept: "application/json" },
      });
      if (!answer.ok) throw new Error(`pairing: ${answer.status}`);
      const made = await answer.json();
      code.textContent = made.code;
      const time = new Date(made.expires_at).toLocaleTimeString(options.language, { hour: "2-digit", minute: "2-digit" });
      until.textContent = say("pair_until", { time });
      const drawn = new DOMParser().parseFromString(made.qr_svg, "image/svg+xml").documentElement;
      if (drawn.nodeName === "svg") qr.replaceChildren(document.importNode(drawn, true));
    } catch (error) {
      console.error(error);
      until.textContent = say("pair_failed");
    }
  }
}

/** @param {import("./staff-link.js").Answer | undefined} answer */
export function refusalText(answer) {
  if (!answer || answer.code === "not_sent") return say("not_sent");
  const key = `refused_${answer.code}`;
  return key in options.texts ? say(key, answer.data) : say("refused_other", { detail: answer.detail });
}

customElements.define("lane-panel", LanePanel);
