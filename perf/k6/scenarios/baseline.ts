import { talking } from '../lib/talking.ts';

const script = talking('baseline');
export const { options, setup, handleSummary } = script;
export default script.people;
