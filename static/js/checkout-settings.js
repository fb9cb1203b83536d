// @ts-check
// <checkout-settings>: which camera, how it is shown, and how and where products are counted.

import { camerasList } from "./camera/camera-source.js";
import { part } from "./dom.js";
import { say } from "./options.js";
import { preferences } from "./preferences.js";
import { fitted } from "./camera/zone-shape.js";

/** @typedef {import("./connection/protocol.js").Box} Box */

/** Events: "camera", "mirror", "mode" (detail: {mode}), "zone" (detail: {zone}), "why" (detail: {on}). */
export class CheckoutSettings extends HTMLElement {
  connectedCallback() {
    this.stop = new AbortController();
    const { signal } = this.stop;
    /** @type {import("./camera/camera-source.js").CameraSource | null} */
    this.source = null;
    this.dialog = /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
    part(this, "close", HTMLButtonElement).addEventListener("click", () => this.close(), { signal });
    this.dialog.addEventListener("change", (event) => this.changed(event), { signal });
    part(this, "zoom", HTMLInputElement).addEventListener("input", () => this.zoom(), { signal });
    part(this, "why", HTMLInputElement).checked = preferences.why;
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.camerasShow(), { signal });
  }

  disconnectedCallback() {
    this.stop?.abort();
    this.dialog?.close();
  }

  close() {
    this.dialog?.close();
  }

  /**
   * @param {import("./camera/camera-source.js").CameraSource | null} source @param {boolean} mirrored
   * @param {boolean} isLive whether there is a picture to set the zone on
   */
  async open(source, mirrored, isLive) {
    this.source = source;
    part(this, "mirror", HTMLInputElement).checked = mirrored;
    part(this, "zone-drag", HTMLButtonElement).hidden = !isLive;
    const { torch, zoom } = source?.abilities ?? { torch: false, zoom: null };
    part(this, "torch-row", HTMLElement).hidden = !torch;
    part(this, "zoom-row", HTMLElement).hidden = !zoom;
    part(this, "torch", HTMLInputElement).checked = source?.adjusted.torch ?? false;
    if (zoom) {
      const { min, max, step } = zoom;
      Object.assign(part(this, "zoom", HTMLInputElement), { min, max, step, value: source?.adjusted.zoom ?? min });
    }
    await this.camerasShow();
    this.dialog?.showModal();
  }

  async camerasShow() {
    const select = part(this, "camera", HTMLSelectElement);
    const named = (await camerasList()).filter((camera) => camera.deviceId);
    const choices = named.map((camera, index) => {
      const label = camera.label || say("camera_number", { count: index + 1 });
      return new Option(label, camera.deviceId, false, camera.deviceId === preferences.camera);
    });
    select.replaceChildren(select.options[0], ...choices);
  }

  /** @param {"scan" | "cart" | "tray" | string} mode */
  showMode(mode) {
    const radio = this.querySelector(`input[name=mode][value="${CSS.escape(mode)}"]`);
    if (radio instanceof HTMLInputElement) radio.checked = true;
  }

  get sides() {
    return /** @type {HTMLInputElement[]} */ ([...this.querySelectorAll("[data-side]")]);
  }

  /** @param {Box} zone */
  showZone(zone) {
    for (const input of this.sides) input.value = String(Math.round(zone[Number(input.dataset.side)] * 100));
  }

  /** @param {Event} event */
  changed(event) {
    const control = /** @type {HTMLInputElement | HTMLSelectElement} */ (event.target);
    if (control.dataset.side) {
      const zone = fitted(this.sides.map((input) => Number(input.value) / 100));
      this.showZone(zone);
      this.dispatchEvent(new CustomEvent("zone", { detail: { zone } }));
    } else if (control.name === "mode") {
      preferences.keep({ mode: control.value });
      this.dispatchEvent(new CustomEvent("mode", { detail: { mode: control.value } }));
    } else if (control.dataset.part === "camera") {
      preferences.keep({ camera: control.value });
      this.dispatchEvent(new Event("camera"));
    } else if (control instanceof HTMLInputElement && control.dataset.part === "mirror") {
      preferences.keep({ mirror: control.checked });
      this.dispatchEvent(new Event("mirror"));
    } else if (control instanceof HTMLInputElement && control.dataset.part === "torch") {
      void this.source?.adjust({ torch: control.checked });
    } else if (control instanceof HTMLInputElement && control.dataset.part === "why") {
      preferences.keep({ why: control.checked });
      this.dispatchEvent(new CustomEvent("why", { detail: { on: control.checked } }));
    }
  }

  zoom() {
    void this.source?.adjust({ zoom: Number(part(this, "zoom", HTMLInputElement).value) });
  }
}

customElements.define("checkout-settings", CheckoutSettings);
