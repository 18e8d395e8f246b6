// htmx asks while a holder's name is typed. Ours: half a Chinese word is no query, and a
// server that does not answer is said in words.
"use strict";
(() => {
  const field = document.getElementById("q");
  const results = document.getElementById("results");

  document.addEventListener("input", event => {
    if (event.isComposing) event.stopPropagation();
  }, true);

  field.addEventListener("htmx:error", () => {
    const words = document.createElement("p");
    words.className = "panel bad";
    words.textContent = results.dataset.unreachable;
    results.replaceChildren(words);
  });

  results.addEventListener("htmx:after:settle", () => {
    field.ariaInvalid = String(Boolean(results.querySelector(".bad")));
  });
})();
