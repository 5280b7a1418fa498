/**
 * The page's entry: takes a sign-in link out of the address before anything else sees it, asks the hub who this is, and
 * renders.
 */
import { render } from 'preact'
import { App } from './app.tsx'
import { takeLoginSecret } from './state/router.ts'
import { linkRefusal, refreshSession, signInWithLink } from './state/session.ts'
import { applyTheme } from './state/theme.ts'
import { discoverWallets } from './wallet/wallets.ts'

applyTheme()
// Not only to sign in: a session of a wallet signs for each key, also after a reload.
discoverWallets()
const secret = takeLoginSecret()
if (secret === null) void refreshSession()
else {
  void signInWithLink(secret).catch(async (error: Error) => {
    linkRefusal.value = error.message
    await refreshSession()
  })
}
render(<App />, document.getElementById('page')!)
