// What OpenAI's own JavaScript client sends is understood, and what it gets it understands. The argument is the server's address.
import assert from 'node:assert/strict';
import OpenAI, { BadRequestError, NotFoundError } from 'openai';

const client = new OpenAI({ baseURL: process.argv[2] + 'v1', apiKey: 'none', maxRetries: 0 });
const messages = [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Hello' }];
const greedy = { model: 'kvasir', messages, max_completion_tokens: 12, temperature: 0 };

const tests = {
  async chatWithUsage() {
    const reply = await client.chat.completions.create(greedy);
    assert.equal(reply.choices[0].finish_reason, 'length');
    assert.equal(reply.usage.completion_tokens, 12);
    assert.equal(reply.usage.total_tokens, reply.usage.prompt_tokens + 12);
    assert.equal(typeof reply.usage.prompt_tokens_details.cached_tokens, 'number');
  },

  async streamIsTheSameText() {
    const whole = await client.chat.completions.create(greedy);
    const stream = await client.chat.completions.create({ ...greedy, stream: true, stream_options: { include_usage: true } });
    let text = '', usage = null, finish = null;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? '';
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, whole.choices[0].message.content);
    assert.equal(finish, 'length');
    assert.equal(usage.completion_tokens, 12);
  },

  async streamHelperPutsTheChunksTogether() {
    const whole = await client.chat.completions.create(greedy);
    assert.equal(await client.chat.completions.stream(greedy).finalContent(), whole.choices[0].message.content);
  },

  async leavingAStreamEndsIt() {
    const stream = await client.chat.completions.create({ ...greedy, max_completion_tokens: 3000, stream: true });
    for await (const _ of stream) break;
    assert.ok(stream.controller.signal.aborted);
  },

  async logprobsOfEveryToken() {
    const reply = await client.chat.completions.create({ ...greedy, logprobs: true, top_logprobs: 2 });
    assert.equal(reply.choices[0].logprobs.content.length, 12);
    for (const token of reply.choices[0].logprobs.content) assert.equal(token.top_logprobs.length, 2);
  },

  async choicesWithASeed() {
    const draw = () => client.chat.completions.create({ ...greedy, temperature: 1.5, n: 3, seed: 5 });
    const texts = reply => reply.choices.map(choice => choice.message.content);
    const first = texts(await draw());
    assert.deepEqual(first, texts(await draw()));
    assert.equal(new Set(first).size, 3);
  },

  async jsonKeepsToItsSchema() {
    const schema = {
      type: 'object', properties: { on: { type: 'boolean' }, kind: { enum: ['a', 'b'] } }, required: ['on', 'kind'],
      additionalProperties: false,
    };
    const reply = await client.chat.completions.parse({
      ...greedy, max_completion_tokens: 200, temperature: 1, seed: 1,
      response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } },
    });
    const answer = reply.choices[0].message.parsed;
    assert.equal(typeof answer.on, 'boolean');
    assert.ok(['a', 'b'].includes(answer.kind));
  },

  async toolIsCalledWithWhatItsSchemaAllows() {
    const parameters = { type: 'object', properties: { days: { type: 'integer', minimum: 1, maximum: 9 } }, required: ['days'] };
    const tools = [{ type: 'function', function: { name: 'weather', description: 'The weather', parameters } }];
    const reply = await client.chat.completions.create({ ...greedy, max_completion_tokens: 200, tools, tool_choice: 'required' });
    assert.equal(reply.choices[0].finish_reason, 'tool_calls');
    const [call] = reply.choices[0].message.tool_calls;
    assert.equal(call.function.name, 'weather');
    const { days } = JSON.parse(call.function.arguments);
    assert.ok(days >= 1 && days <= 9);
    const answered = await client.chat.completions.create({
      ...greedy, tools, messages: [...messages, reply.choices[0].message, { role: 'tool', tool_call_id: call.id, content: 'rain' }],
    });
    assert.equal(answered.choices.length, 1);
  },

  async completions() {
    const reply = await client.completions.create({ model: 'kvasir', prompt: ['one', 'two'], max_tokens: 3, temperature: 0 });
    assert.deepEqual(reply.choices.map(choice => choice.index), [0, 1]);
  },

  async responses() {
    const asked = { model: 'kvasir', instructions: 'Be brief.', input: 'Hello', max_output_tokens: 12, temperature: 0 };
    const reply = await client.responses.create(asked);
    assert.equal(reply.output_text, (await client.chat.completions.create(greedy)).choices[0].message.content);
    let text = '', last = null;
    for await (const event of await client.responses.create({ ...asked, stream: true })) {
      if (event.type === 'response.output_text.delta') text += event.delta;
      last = event.type;
    }
    assert.equal(text, reply.output_text);
    assert.match(last, /^response\.(completed|incomplete)$/);
  },

  async models() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    assert.ok(ids.length > 0);
    assert.equal((await client.models.retrieve(ids[0])).id, ids[0]);
  },

  async refusalsAreErrorsWithTheirField() {
    await assert.rejects(client.chat.completions.create({ ...greedy, audio: { voice: 'x' } }),
      error => error instanceof BadRequestError && error.param === 'audio');
    await assert.rejects(client.chat.completions.create({ ...greedy, model: 'other' }),
      error => error instanceof NotFoundError && error.code === 'model_not_found');
    await assert.rejects(client.responses.create({ model: 'kvasir', input: 'x', previous_response_id: 'resp_1' }), BadRequestError);
  },
};

for (const [name, test] of Object.entries(tests)) {
  await test().catch(error => {
    console.error(`${name}: ${error.stack}`);
    process.exitCode = 1;
  });
}
console.log(`${Object.keys(tests).length} ran`);
