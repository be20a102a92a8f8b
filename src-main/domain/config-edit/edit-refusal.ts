/** Why an edit cannot be made: a whole sentence with the place, for whoever asked. */
export class EditRefusal extends Error {}
