// @ts-check
// What makes a browser a kiosk: full screen, a screen that stays on, and nothing that leads away by accident.

/** Keeps the screen on as long as the page is seen; browsers take that back whenever it is hidden. */
async function stayOn() {
  if (document.visibilityState !== "visible") return;
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // Low battery, or not allowed: the lane works all the same.
  }
}

/** Fills the screen; only after a touch, and where the browser allows it. */
export function fillScreen() {
  if (document.fullscreenElement || !document.documentElement.requestFullscreen) return;
  document.documentElement.requestFullscreen({ navigationUI: "hide" }).catch(() => {});
}

/** Makes menus, zooming, dragging and the way back harmless. */
export function kioskBegin() {
  void stayOn();
  document.addEventListener("visibilitychange", () => void stayOn());
  for (const name of ["contextmenu", "dragstart", "gesturestart"]) {
    document.addEventListener(name, (event) => event.preventDefault());
  }
  document.addEventListener("wheel", (event) => event.ctrlKey && event.preventDefault(), { passive: false });
  history.pushState(null, "");
  addEventListener("popstate", () => history.pushState(null, ""));
}
