import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Client } from '../client/index.ts';
import { connect } from '../client/index.ts';
import { savedName, saveName, storage } from './identity.ts';
import { Room } from './model/room.ts';
import { RoomPage } from './parts/room-page.tsx';
import { StartPage } from './parts/start-page.tsx';
import type { Route } from './route.ts';
import { hashOf, newId, routeOf } from './route.ts';

/** The page at `/`: the start, or one conversation. */
export function App() {
  const route = useRoute();
  const [name, setName] = useState(savedName);
  const [isNaming, setNaming] = useState(name === undefined);
  const client = useClient(route.place === 'room' && !isNaming ? name : undefined);
  const room = useRoom(client, route.place === 'room' ? route.id : undefined);

  const choose = (chosen: string, id: string | undefined) => {
    saveName(chosen);
    setName(chosen);
    setNaming(false);
    if (route.place === 'start') location.hash = hashOf({ place: 'room', id: id ?? newId() });
  };

  if (room !== undefined) return <RoomPage room={room} />;
  return <StartPage name={name ?? ''} isInvited={route.place === 'room'} onChoose={choose} />;
}

function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const follow = () => setRoute(routeOf(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return route;
}

/** A connection for as long as there is a name and a conversation to be in. */
function useClient(name: string | undefined): Client | undefined {
  const [client, setClient] = useState<Client>();
  useEffect(() => {
    if (name === undefined) return;
    const url = new URL('./', location.href).href;
    const made = connect({ url, name, storage });
    setClient(made);
    // The system knows before a timer does that it makes sense to try again.
    const retry = () => made.state.kind === 'offline' && made.reconnect();
    addEventListener('online', retry);
    return () => {
      removeEventListener('online', retry);
      made.close();
      setClient(undefined);
    };
  }, [name]);
  return client;
}

function useRoom(client: Client | undefined, id: string | undefined): Room | undefined {
  const room = useMemo(
    () => (client === undefined || id === undefined ? undefined : new Room(client, id)),
    [client, id],
  );
  useEffect(() => () => room?.leave(), [room]);
  return room;
}
