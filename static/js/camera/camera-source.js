// @ts-check
// A camera as a source of pictures, and the plain reasons for which there may be none.

/** @typedef {"refused" | "missing" | "busy" | "insecure"} NoCamera */
/** @typedef {{torch?: boolean, zoom?: number}} Adjustment light and zoom: Image Capture's, which TypeScript does not know */
/** @typedef {{torch?: boolean, zoom?: {min: number, max: number, step: number}}} Adjustable */

const REASONS = /** @type {Record<string, NoCamera>} */ ({
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "missing",
  DevicesNotFoundError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
  TrackStartError: "busy",
});

export class CameraUnavailable extends Error {
  /** @param {NoCamera} reason */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/** Whether the camera may be started without asking the shopper anything. */
export async function cameraAllowed() {
  try {
    const status = await navigator.permissions.query({ name: /** @type {PermissionName} */ ("camera") });
    return status.state;
  } catch {
    return "prompt";
  }
}

/** @returns {Promise<MediaDeviceInfo[]>} */
export async function camerasList() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return devices.filter((device) => device.kind === "videoinput");
}

export class CameraSource {
  /** @param {HTMLVideoElement} video @param {() => void} onLost called when the camera is unplugged or taken */
  constructor(video, onLost) {
    this.element = video;
    this.onLost = onLost;
    /** @type {MediaStream | null} */
    this.stream = null;
    this.pictureAt = 0;
    this.watch = 0;
  }

  /** @param {string} deviceId empty for the browser's choice */
  async start(deviceId) {
    if (!navigator.mediaDevices?.getUserMedia) throw new CameraUnavailable("insecure");
    this.stream = await this.open(deviceId);
    this.track?.addEventListener("ended", this.onLost, { once: true });
    this.element.srcObject = this.stream;
    await this.element.play();
    this.watchPictures();
  }

  /** Notes when each picture came: in the dark, cameras give few. */
  watchPictures() {
    this.watch = this.element.requestVideoFrameCallback?.((now) => {
      this.pictureAt = now;
      if (this.stream) this.watchPictures();
    });
  }

  get shownAt() {
    return this.pictureAt || performance.now();
  }

  /** @param {string} deviceId @returns {Promise<MediaStream>} */
  async open(deviceId) {
    const wanted = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: { ideal: "environment" } };
    const video = { ...wanted, width: { ideal: 1280 }, height: { ideal: 960 }, frameRate: { ideal: 30 } };
    try {
      return await navigator.mediaDevices.getUserMedia({ video, audio: false });
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      // The chosen camera is gone or cannot do this size: any camera is better than none.
      if (error.name === "OverconstrainedError") {
        return deviceId ? this.open("") : navigator.mediaDevices.getUserMedia({ video: true });
      }
      throw new CameraUnavailable(REASONS[error.name] ?? "busy");
    }
  }

  stop() {
    this.track?.removeEventListener("ended", this.onLost);
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.element.cancelVideoFrameCallback?.(this.watch);
    this.element.srcObject = null;
  }

  get track() {
    return this.stream?.getVideoTracks()[0];
  }

  get width() {
    return this.element.videoWidth;
  }

  get height() {
    return this.element.videoHeight;
  }

  get ready() {
    return this.element.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && this.width > 0;
  }

  /** A camera that looks at the shopper is shown as a mirror; one that looks away is not. */
  get facesShopper() {
    return this.track?.getSettings().facingMode !== "environment";
  }

  /** @returns {{torch: boolean, zoom: {min: number, max: number, step: number} | null}} */
  get abilities() {
    const { torch, zoom } = /** @type {Adjustable} */ (this.track?.getCapabilities?.() ?? {});
    return { torch: Boolean(torch), zoom: zoom && zoom.max > zoom.min ? zoom : null };
  }

  /** What light and zoom are set to now. @returns {Adjustment} */
  get adjusted() {
    return /** @type {Adjustment} */ (this.track?.getSettings() ?? {});
  }

  /** @param {Adjustment} wish */
  async adjust(wish) {
    await this.track?.applyConstraints({ advanced: [/** @type {MediaTrackConstraintSet} */ (wish)] });
  }
}
