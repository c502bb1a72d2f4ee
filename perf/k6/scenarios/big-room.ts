import { talking } from '../lib/talking.ts';

const script = talking('big-room');
export const { options, setup, handleSummary } = script;
export default script.people;
