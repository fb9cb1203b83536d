// @ts-check
// <lane-staff>: what a member of staff may do at the lane, behind number and PIN; locks itself after a while.

import { clock } from "../clock.js";
import { copyOf, part, showPicture } from "../dom.js";
import { options, say } from "../options.js";
import { laneRequest } from "./lane-api.js";
import { PinPad } from "./pin-pad.js";

/** @typedef {import("../connection/protocol.js").Cart} Cart */
/** @typedef {import("../connection/protocol.js").CartLine} CartLine */
/** @typedef {import("../connection/protocol.js").Unresolved} Unresolved */
/** @typedef {import("./lane-link.js").LaneAlert} LaneAlert */

const UNLOCKED_S = 120;
const REASON = "at the lane";
/** After these the visit is over. */
const ENDS = new Set(["visit.end", "reset"]);

/** Events: "unlocked", "locked", "ended" when the visit was, "restart-camera". */
export class LaneStaff extends HTMLElement {
  isUnlocked = false;
  isBusy = false;
  locksAt = 0;
  timer = 0;
  /** @type {Cart | null} */
  cart = null;
  isOpenLane = true;
  isApprovalWanted = false;

  connectedCallback() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.dialog = /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
    this.pad = new PinPad(part(this, "pin-pad", HTMLElement), signal);
    this.pad.addEventListener("entered", (event) => void this.unlock(/** @type {CustomEvent} */ (event).detail));
    const on = (/** @type {string} */ name, /** @type {() => void} */ act) =>
      part(this, name, HTMLButtonElement).addEventListener("click", act, { signal });
    on("staff-close", () => this.close());
    on("staff-lock", () => void this.lock());
    on("staff-open", () => void this.act({ action: this.isOpenLane ? "close" : "open" }));
    this.dialog.addEventListener("close", () => this.closed(), { signal });
    this.dialog.addEventListener("keydown", (event) => this.typed(event), { signal });
    part(this, "staff-panel", HTMLElement).addEventListener("click", (event) => this.tapped(event), { signal });
  }

  disconnectedCallback() {
    this.stop?.abort();
    clearInterval(this.timer);
    this.close();
  }

  get isOpen() {
    return this.dialog?.open ?? false;
  }

  open() {
    if (this.isOpen) return;
    this.say("");
    this.pad?.clear();
    this.panelShow();
    this.dialog?.showModal();
    part(this, "staff-title", HTMLElement).focus();
  }

  close() {
    this.dialog?.close();
  }

  closed() {
    this.pad?.clear();
  }

  /** @param {KeyboardEvent} event */
  typed(event) {
    if (!this.isUnlocked && this.pad?.typed(event)) event.preventDefault();
  }

  /** A scan types no digit. @param {number} beganAt when its first key was pressed */
  scanned(beganAt) {
    this.pad?.scanned(beganAt);
  }

  /** @param {string} text @param {boolean} [bad] */
  say(text, bad = false) {
    const status = part(this, "staff-status", HTMLElement);
    status.textContent = text;
    status.classList.toggle("bad", bad);
  }

  /** @param {{staff_number: number, pin: string}} entered */
  async unlock(entered) {
    if (this.isBusy || !options.lane) return;
    this.isBusy = true;
    const { ok, status, body } = await laneRequest(options.lane.unlock_path, entered);
    this.isBusy = false;
    if (!ok) {
      this.pad?.clearPin();
      this.say(say(status === 429 ? "staff_wait" : status === 403 ? "staff_refused" : "staff_offline"), true);
      return;
    }
    this.pad?.clear();
    this.isUnlocked = true;
    this.name = body.staff?.name ?? "";
    this.extend(body.expires_in_s ?? UNLOCKED_S);
    this.timer = setInterval(() => this.tick(), 1000);
    this.dispatchEvent(new Event("unlocked"));
    this.panelShow();
  }

  /** @param {number} seconds */
  extend(seconds) {
    this.locksAt = performance.now() + 1000 * seconds;
    this.tick();
  }

  tick() {
    const left_s = Math.max(0, Math.ceil((this.locksAt - performance.now()) / 1000));
    if (this.isUnlocked && left_s === 0) void this.lock();
    else if (this.isUnlocked) {
      const time = clock(left_s);
      part(this, "staff-title", HTMLElement).dataset.time = say("staff_locks", { time });
    }
  }

  /** Locks here at once, and at the server. */
  async lock() {
    this.locked();
    this.close();
    if (options.lane) await laneRequest(options.lane.lock_path, {});
  }

  locked() {
    clearInterval(this.timer);
    if (!this.isUnlocked) return;
    this.isUnlocked = false;
    this.panelShow();
    this.dispatchEvent(new Event("locked"));
  }

  /** Does something with the rights of staff. @param {{action: string} & Record<string, unknown>} action */
  async act(action) {
    if (!this.isUnlocked || this.isBusy || !options.lane) return false;
    this.isBusy = true;
    const { ok, status, body } = await laneRequest(options.lane.actions_path, { reason: REASON, ...action });
    this.isBusy = false;
    if (!ok) {
      if (status === 403 && body.code === "locked") {
        this.locked();
        this.say(say("staff_locked"), true);
      } else this.say(status ? say("error_other", { detail: body.detail ?? String(status) }) : say("staff_offline"), true);
      return false;
    }
    this.extend(UNLOCKED_S);
    this.say(say("staff_done"));
    if (action.action === "restart_camera") this.dispatchEvent(new Event("restart-camera"));
    if (ENDS.has(action.action)) this.dispatchEvent(new Event("ended"));
    return true;
  }

  /** Saves settings for the lane. @param {Record<string, unknown>} changes */
  async save(changes) {
    if (!this.isUnlocked || !options.lane) return;
    const { ok, status, body } = await laneRequest(options.lane.settings_path, changes, "PATCH");
    if (ok) {
      this.extend(UNLOCKED_S);
      this.say(say("staff_saved"));
    } else this.say(status ? say("error_other", { detail: body.detail ?? String(status) }) : say("staff_offline"), true);
  }

  panelShow() {
    part(this, "pin-pad", HTMLElement).hidden = this.isUnlocked;
    part(this, "staff-panel", HTMLElement).hidden = !this.isUnlocked;
    const title = part(this, "staff-title", HTMLElement);
    title.textContent = this.isUnlocked ? say("staff_hello", { name: this.name ?? "" }) : (this.dataset.title ?? "");
    if (!this.isUnlocked) delete title.dataset.time;
    this.say("");
    this.linesShow();
  }

  /** Follows the lane. @param {boolean} isOpen @param {LaneAlert[]} alerts */
  laneShow(isOpen, alerts) {
    this.isOpenLane = isOpen;
    part(this, "staff-open-word", HTMLElement).textContent = say(isOpen ? "staff_close_lane" : "staff_open_lane");
    this.isApprovalWanted = alerts.some(({ kind }) => kind === "approval");
    this.linesShow();
  }

  /** @param {Cart} cart */
  show(cart) {
    this.cart = cart;
    this.linesShow();
  }

  linesShow() {
    const list = part(this, "staff-lines", HTMLElement);
    const { cart } = this;
    const canApprove = this.isApprovalWanted || Boolean(cart?.unresolved?.length);
    part(this, "staff-approve", HTMLButtonElement).hidden = !canApprove;
    if (!this.isUnlocked || !cart) return list.replaceChildren();
    const open = (cart.unresolved ?? []).map((item, index) => this.itemMake(item, index + 1));
    list.replaceChildren(...open, ...cart.items.map((item) => this.lineMake(item)));
    return undefined;
  }

  /** @param {CartLine} item */
  lineMake({ product_id, name, quantity }) {
    const line = copyOf(this, "staff-line");
    Object.assign(line.dataset, { product: product_id, quantity: String(quantity) });
    part(line, "name", HTMLElement).textContent = name;
    part(line, "quantity", HTMLElement).textContent = String(quantity);
    for (const key of ["fewer", "more", "remove"]) {
      part(line, `staff-${key}`, HTMLButtonElement).setAttribute("aria-label", say(key, { name }));
    }
    return line;
  }

  /** @param {Unresolved} item @param {number} number */
  itemMake({ id, image, choices }, number) {
    const line = copyOf(this, "staff-item");
    line.dataset.item = id;
    showPicture(line, image);
    part(line, "name", HTMLElement).textContent = say("staff_unresolved", { number });
    const chips = choices.map(({ product_id, name }) => {
      const chip = document.createElement("button");
      Object.assign(chip, { type: "button", className: "button", textContent: name });
      Object.assign(chip.dataset, { part: "staff-choice", product: product_id });
      return chip;
    });
    part(line, "staff-choices", HTMLElement).replaceChildren(...chips);
    return line;
  }

  /** @param {Event} event */
  tapped(event) {
    const button = /** @type {Element} */ (event.target).closest("button");
    const line = /** @type {HTMLElement | null} */ (button?.closest(".staff-line"));
    if (button?.dataset.do) void this.act({ action: button.dataset.do });
    else if (line?.dataset.product) this.lineChange(line.dataset, button?.dataset.part);
    else if (line?.dataset.item && button) this.itemSettle(line, button);
  }

  /** @param {DOMStringMap} line @param {string} [name] of the button */
  lineChange({ product: product_id, quantity: now = "0" }, name) {
    const quantity = { "staff-fewer": Number(now) - 1, "staff-more": Number(now) + 1, "staff-remove": 0 }[name ?? ""];
    if (quantity !== undefined) void this.act({ action: "cart.set", product_id, quantity });
  }

  /** @param {HTMLElement} line @param {HTMLButtonElement} button */
  itemSettle(line, { dataset: { part: name, product: product_id } }) {
    const id = line.dataset.item;
    const code = part(line, "staff-code", HTMLInputElement).value.trim();
    if (name === "staff-dismiss") void this.act({ action: "unresolved.dismiss", id });
    else if (name === "staff-choice") void this.act({ action: "unresolved.resolve", id, product_id });
    else if (name === "staff-resolve" && code) void this.act({ action: "unresolved.resolve", id, code });
  }
}

customElements.define("lane-staff", LaneStaff);
