// app/button.jsx
"use client";

import { useFormStatus } from "react-dom";

/** A button that can't be clicked again while its action runs. */
export function Button({ action, children }) {
  const { pending } = useFormStatus();
  return (
    <button formAction={action} disabled={pending}>
      {children}
    </button>
  );
}
