// The frames that are sent, and finding one's way in those that come.
#define _GNU_SOURCE
#include "load.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void put_digits(char *at, uint64_t value, int digits) {
  while (digits > 0) { at[--digits] = '0' + value % 10; value /= 10; }
}

uint64_t digits_at(const char *at, const char *end) {
  uint64_t value = 0;
  while (at < end && *at >= '0' && *at <= '9') value = value * 10 + (*at++ - '0');
  return value;
}

const char *after(const char *text, size_t bytes, const char *name, size_t name_bytes, size_t *last) {
  if (*last >= name_bytes && *last <= bytes && memcmp(text + *last - name_bytes, name, name_bytes) == 0) return text + *last;
  const char *found = memmem(text, bytes, name, name_bytes);
  if (found == NULL) return NULL;
  *last = found + name_bytes - text;
  return found + name_bytes;
}

void put_bytes(Outgoing *frame, const void *bytes, size_t length) {
  if (frame->length + length > FRAME_BYTES) die("a frame of over %d bytes", FRAME_BYTES);
  memcpy(frame->bytes + frame->length, bytes, length);
  frame->length += length;
}

void put(Outgoing *frame, const char *format, ...) {
  char text[256];
  va_list args;
  va_start(args, format);
  put_bytes(frame, text, vsnprintf(text, sizeof text, format, args));
}

void put_content(Outgoing *frame) {
  char content[FRAME_BYTES / 2];
  memset(content, 'x', content_bytes);
  content[19] = content[30] = ' ';
  frame->time = frame->length;
  frame->number = frame->time + 20;
  put_bytes(frame, content, content_bytes);
}

// Its header has eight bytes, for which `make_frame` left room: no frame is under 126 bytes or over 64 KiB.
void close_frame(Outgoing *frame, int opcode) {
  size_t bytes = frame->length - 8;
  unsigned char head[8] = {0x80 | opcode, 0x80 | 126, bytes >> 8, bytes};
  memcpy(frame->bytes, head, sizeof head);
}

void make_frame(const Protocol *of, Outgoing *frame) {
  memset(frame, 0, sizeof *frame);
  frame->length = 8;
  of->make(frame);
}

size_t common_length(void) {
  static Outgoing common;
  if (common.length == 0) make_frame(&colloquy, &common);
  return common.length - 8;
}
