// Before the first paint: light or dark as chosen on this device. Without a choice, or without script, the system decides.
try {
  const scheme = localStorage.getItem("scheme");
  if (scheme === "light" || scheme === "dark") document.documentElement.dataset.scheme = scheme;
} catch { /* storage is switched off: the system decides */ }
