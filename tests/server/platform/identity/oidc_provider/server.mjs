// A certified OpenID provider on loopback. One argument: a JSON object with `clients`, `accounts`, `inIdToken`.
// Prints {"issuer": ...} when it answers, and ends when its standard input does.
// A browser that is asked to sign in chooses: /interaction/ID/as/SUBJECT or /interaction/ID/abort.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const { clients, accounts, inIdToken } = JSON.parse(process.argv[2]);
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const server = createServer();

server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" }] },
    cookies: { keys: ["of one run of the tests"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
    conformIdTokenClaims: !inIdToken,
    features: { devInteractions: { enabled: false } },
    pkce: { required: () => true },
    interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    findAccount: (context, subject) =>
      accounts[subject] && { accountId: subject, claims: () => ({ sub: subject, ...accounts[subject] }) },
  });
  const answer = provider.callback();

  async function choose(request, response) {
    const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
    const [, , , choice, subject] = request.url.split("/");
    let result;
    if (choice === "abort") {
      result = { error: "access_denied", error_description: "the user said no" };
    } else if (prompt.name === "login" && choice === "as") {
      result = { login: { accountId: subject } };
    } else if (prompt.name === "consent") {
      const grant = grantId
        ? await provider.Grant.find(grantId)
        : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
      grant.addOIDCScope(params.scope);
      result = { consent: { grantId: await grant.save() } };
    } else {
      response.writeHead(200, { "content-type": "text/plain" }).end(`sign in: ${prompt.name}`);
      return;
    }
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
  }

  server.on("request", (request, response) => {
    if (!request.url.startsWith("/interaction/")) {
      answer(request, response);
      return;
    }
    choose(request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  console.log(JSON.stringify({ issuer }));
});

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
