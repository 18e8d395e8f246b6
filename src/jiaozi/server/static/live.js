// htmx holds the stream and swaps the figures. Ours is what it leaves open: the pause, the word
// for the state of the stream, a fade on the numbers that moved, and a sentence now and then aloud.
"use strict";
(() => {
  const figures = document.getElementById("figures");
  const panel = document.getElementById("live");
  const state = panel.querySelector(".state");
  const button = panel.querySelector("button");
  const spoken = document.getElementById("spoken");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const SPEAK_EVERY_MS = 20000;  // a screen reader that hears each change hears nothing else
  const RETRY_MS = 5000;
  const FADE_MS = 1200, LIT_EVERY_MS = 4000;  // a number that moves all the time does not flash all the time
  const lit = new WeakMap();
  let isPaused = false, connection = null, retry = 0, spokenAt = Date.now();

  function show(name) {
    state.hidden = false;
    state.className = `state ${name}`;
    state.textContent = panel.dataset[name];
  }

  function connect() {
    clearTimeout(retry);
    show("reconnecting");
    htmx.trigger(figures, "reconnect");  // does nothing while there is a stream
  }

  // htmx tries again by itself when a stream breaks, but not when the first answer was an error.
  function tryLater() {
    if (isPaused) return;
    show("reconnecting");
    clearTimeout(retry);
    retry = setTimeout(connect, RETRY_MS);
  }

  figures.addEventListener("htmx:sse:before:connection", event => {
    if (isPaused) event.preventDefault();
    else if (event.detail.connection.attempt) show("reconnecting");
  });
  figures.addEventListener("htmx:sse:after:connection", event => {
    connection = event.detail.connection;
    clearTimeout(retry);
    isPaused ? connection.abortController.abort() : show("on");
  });
  figures.addEventListener("htmx:sse:error", () => isPaused || show("reconnecting"));
  for (const name of ["htmx:sse:close", "htmx:response:error", "htmx:error"]) figures.addEventListener(name, tryLater);

  figures.addEventListener("htmx:sse:before:message", event => {
    if (isPaused) event.preventDefault();
  });
  figures.addEventListener("htmx:sse:after:message", () => {
    if (Date.now() - spokenAt < SPEAK_EVERY_MS) return;
    spokenAt = Date.now();
    spoken.textContent = figures.querySelector(".spoken").textContent;
  });

  // The swap keeps every element and changes texts, so a number that moved is a text that changed.
  new MutationObserver(records => {
    if (still.matches) return;
    for (const { target, oldValue } of records) {
      const figure = target.parentElement?.closest("[data-figure]");
      if (!figure || target.data.trim() === oldValue.trim()) continue;
      if (Date.now() - (lit.get(figure) ?? 0) < LIT_EVERY_MS) continue;
      lit.set(figure, Date.now());
      figure.animate({ color: ["var(--accepted)", getComputedStyle(figure).color] }, { duration: FADE_MS, easing: "ease-in" });
    }
  }).observe(figures, { subtree: true, characterData: true, characterDataOldValue: true });

  panel.querySelector(".without").remove();
  button.hidden = false;
  button.addEventListener("click", () => {
    isPaused = !isPaused;
    button.textContent = isPaused ? panel.dataset.resume : panel.dataset.pause;
    if (!isPaused) return connect();
    clearTimeout(retry);
    show("paused");
    connection?.abortController.abort();
  });
})();
