/**
 * Step 4: what people ask of turns that another server runs. Rows live for seconds, and are lost with a crash of the
 * database, together with those who wait for them: nothing else is.
 */
export const ORDER_SCHEMA = `
CREATE UNLOGGED TABLE turn_orders (
  id text COLLATE "C" PRIMARY KEY,
  placed_at timestamptz NOT NULL DEFAULT now(),
  conversation_id text COLLATE "C" NOT NULL,
  turn_id text COLLATE "C" NOT NULL,
  record text NOT NULL,
  is_taken boolean NOT NULL DEFAULT false,
  answer text
);
`;
