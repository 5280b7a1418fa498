/**
 * A certificate that nobody should trust, with its key, made for these tests alone: for 127.0.0.1, signed by nobody but
 * itself. Made with `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj
 * /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1`.
 */

export const selfSigned = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSr9ERNwjI9ZX/jY4
yI7//7hewsLMWvb13x8WqBCX3yShRANCAATKSHqOcUGov9EzXtxdIjYuM40l4DNo
nnHVXXl+0bnXIySn8p98GlnGzBtidVr9aOCkpU4vb0GRf6tt+8EufUwb
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBkDCCATagAwIBAgIULdj40av6xGkh/04MerEuIivLahIwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyMjIxMTQzOFoYDzIxMjYxMDI5
MjExNDM4WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATKSHqOcUGov9EzXtxdIjYuM40l4DNonnHVXXl+0bnXIySn8p98GlnG
zBtidVr9aOCkpU4vb0GRf6tt+8EufUwbo2QwYjAdBgNVHQ4EFgQUdxm1S4zUV5cg
Ilg0I15s5OPOjzowHwYDVR0jBBgwFoAUdxm1S4zUV5cgIlg0I15s5OPOjzowDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0gAMEUC
IGDwRXQvonPR+w1QNle1ydbOSQJ1uLne4jMrO/u8JB8ZAiEA4ca9a8X1YtZBBIly
i/k5l3VbBKdjS5u7BdpKISlTLLQ=
-----END CERTIFICATE-----
`,
}
