// Pledges for a program as a portal does: read the pledge, decide on the etag that was read, and show a refusal.
const fs = require("fs");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const asked = JSON.parse(fs.readFileSync(0, "utf8"));
const definition = loader.loadSync("investiture/api/sponsorship/v1/sponsorship_service.proto", {
  includeDirs: asked.protos,
  enums: String,
  longs: String,
  keepCase: true,
});
const api = grpc.loadPackageDefinition(definition).investiture.api.sponsorship.v1;
const client = new api.SponsorshipService(asked.address, grpc.credentials.createInsecure());
const metadata = new grpc.Metadata();
metadata.set("authorization", `Bearer ${asked.token}`);

function call(method, request) {
  return new Promise((resolve, reject) =>
    client[method](request, metadata, { deadline: Date.now() + 10_000 }, (error, answer) =>
      error ? reject(error) : resolve(answer),
    ),
  );
}

async function main() {
  const name = `${asked.program}/pledges/latest`;
  const pledge = await call("GetPledge", { name });
  const decision = { name: pledge.gate_case.name, request_id: asked.requestId };
  const refused = await call("Pledge", { ...decision, etag: "not the one I read" }).catch((e) => e);
  const decided = await call("Pledge", { ...decision, etag: pledge.gate_case.etag });
  return {
    refused: { code: grpc.status[refused.code], details: refused.details },
    version: decided.gate_case.version,
    deciders: decided.gate_case.deciders.map((decider) => decider.person),
    state: decided.gate_case.state,
  };
}

main()
  .then((shown) => console.log(JSON.stringify(shown)))
  .catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  })
  .finally(() => client.close());
