import { talking } from '../lib/talking.ts';

const script = talking('small-rooms');
export const { options, setup, handleSummary } = script;
export default script.people;
