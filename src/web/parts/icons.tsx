import type { ComponentChildren } from 'preact';

/** Drawn on a 20 by 20 grid in the colour of the text; decoration, so hidden from screen readers. */
function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="9" class="logo-ground" />
      <path
        class="logo-bubble"
        d="M8 11.5A3.5 3.5 0 0 1 11.5 8h9a3.5 3.5 0 0 1 3.5 3.5v5a3.5 3.5 0 0 1-3.5 3.5H15l-4.2 3.7c-.5.4-1.2.1-1.2-.6V19.500A3.5 3.5 0 0 1 8 16.500z"
      />
    </svg>
  );
}

export const ReplyIcon = () => (
  <Icon>
    <path d="M8 5 3.500 9.500 8 14M4 9.500h7.500a5 5 0 0 1 5 5V15" />
  </Icon>
);

export const EditIcon = () => (
  <Icon>
    <path d="m12.500 4.500 3 3L7 16H4v-3zM10.500 6.500l3 3" />
  </Icon>
);

export const DeleteIcon = () => (
  <Icon>
    <path d="M4 6h12M8 6V4h4v2m-6.500 0 .7 10h7.600l.7-10M8.500 9v4m3-4v4" />
  </Icon>
);

export const SendIcon = () => (
  <Icon>
    <path d="M10 16V4m-5 5 5-5 5 5" />
  </Icon>
);

export const CloseIcon = () => (
  <Icon>
    <path d="m5 5 10 10M15 5 5 15" />
  </Icon>
);

export const LinkIcon = () => (
  <Icon>
    <path d="M8.500 11.500a3.200 3.200 0 0 0 4.600 0l2.400-2.400a3.250 3.250 0 0 0-4.600-4.600l-1 1m1.600 3a3.200 3.200 0 0 0-4.600 0l-2.400 2.400a3.250 3.250 0 0 0 4.600 4.600l1-1" />
  </Icon>
);

export const DownIcon = () => (
  <Icon>
    <path d="M10 4v12m-5-5 5 5 5-5" />
  </Icon>
);

export const SparkIcon = () => (
  <Icon>
    <path d="M10 3.500 11.600 8.400 16.500 10l-4.900 1.600L10 16.500l-1.600-4.900L3.500 10l4.900-1.600z" />
  </Icon>
);

export const StopIcon = () => (
  <Icon>
    <rect x="6" y="6" width="8" height="8" rx="1.500" />
  </Icon>
);
