import { talking } from '../lib/talking.ts';

const script = talking('sustained');
export const { options, setup, handleSummary } = script;
export default script.people;
