/** Why a call is closed that nobody listens to any more. Made once: with its stack it costs as much as some tokens. */
export const LEFT = new DOMException('The call was left.', 'AbortError');
