// The whole screen for the exam, where its rules ask for it.

/** A browser may refuse; the button for it stays. */
export function fullScreen(): void {
  if (!document.fullscreenElement) void document.documentElement.requestFullscreen?.().catch(() => {});
}
